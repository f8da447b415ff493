"""Time and memory over the size of the picture; `--help` lists the options."""

from jndlic.bench.studies.scaling import main

if __name__ == "__main__":
    raise SystemExit(main())
