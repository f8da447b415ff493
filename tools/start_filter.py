"""Give trained weights an adaptive filter, by least squares: `tools/start_filter.py PHOTOS
--weights OLD --output NEW`; `--help` lists the options.
"""

from jndlic.training.codec.filter_start import main

if __name__ == "__main__":
    raise SystemExit(main())
