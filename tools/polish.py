"""End a training by least squares for the layers that paint pixels: `tools/polish.py PHOTOS
--weights OLD --output NEW`; `--help` lists the options.
"""

from jndlic.training.codec.polish import main

if __name__ == "__main__":
    raise SystemExit(main())
