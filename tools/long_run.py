"""A training that goes on beside other work: `tools/long_run.py start FOLDER [options of train.py
fit]`; `--help` lists the rest.
"""

from jndlic.training.codec.long_run import main

if __name__ == "__main__":
    raise SystemExit(main())
