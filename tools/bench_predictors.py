"""Picture-wise JND predictors against a proxy, or against people: `tools/bench_predictors.py
PHOTOS`.
"""

from jndlic.bench.studies.predictors import main

if __name__ == "__main__":
    raise SystemExit(main())
