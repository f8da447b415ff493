"""Rate-distortion curve over a folder of pictures, and BD-rates against anchors; `--help` lists the options."""

from jndlic.bench.evaluate import main

if __name__ == "__main__":
    raise SystemExit(main())
