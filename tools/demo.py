"""Compress and restore a real photo: `make demo`; `--help` lists the options."""

from jndlic.bench.studies.demo import main

if __name__ == "__main__":
    raise SystemExit(main())
