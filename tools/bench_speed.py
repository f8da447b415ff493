"""Time and memory against CompressAI's bmshj2018-hyperprior: `make bench-speed`; `--help` lists the
options.
"""

from jndlic.bench.studies.speed import main

if __name__ == "__main__":
    raise SystemExit(main())
