"""Multiplications per pixel and parameters of each part: `make macs`; `--help` lists the
options.
"""

from jndlic.bench.studies.complexity import main

if __name__ == "__main__":
    raise SystemExit(main())
