"""JND models side by side: `tools/jnd_models.py --images PICTURES`."""

from jndlic.bench.studies.jnd_models import main

if __name__ == "__main__":
    raise SystemExit(main())
