"""Sheets to look at: details of pictures by several codecs at the same sizes; `--help` lists the
options.
"""

from jndlic.bench.studies.sheets import main

if __name__ == "__main__":
    raise SystemExit(main())
