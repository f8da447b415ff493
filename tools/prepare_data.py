"""Check a set of training photos: `tools/prepare_data.py SOURCE OUT`; `--help` lists the
options.
"""

from jndlic.training.photos.prepare import main

if __name__ == "__main__":
    raise SystemExit(main())
