"""Time of a search over a photo of 12 megapixels: `tools/bench_optimize.py PHOTO`; `--help` lists
the options.
"""

from jndlic.bench.studies.optimize_cost import main

if __name__ == "__main__":
    raise SystemExit(main())
