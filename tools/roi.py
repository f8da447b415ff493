"""What a mask of regions moves, at equal file size; `--help` lists the options."""

from jndlic.bench.studies.roi import main

if __name__ == "__main__":
    raise SystemExit(main())
