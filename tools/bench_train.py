"""Speed of training and where its time goes: `tools/bench_train.py PHOTOS`; `--help` lists the
options.
"""

from jndlic.training.codec.speed import main

if __name__ == "__main__":
    raise SystemExit(main())
