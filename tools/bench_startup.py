"""Time and memory of whole processes beside Pillow's AVIF; `--help` lists the options."""

from jndlic.bench.studies.startup import main

if __name__ == "__main__":
    raise SystemExit(main())
