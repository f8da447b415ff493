"""What doubling the JND map inside a rectangle does to bits and error there and elsewhere; `--help`
lists the options.
"""

from jndlic.bench.studies.control import main

if __name__ == "__main__":
    raise SystemExit(main())
