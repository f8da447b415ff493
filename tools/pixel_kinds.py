"""What 16 bits a channel gain, and what grey pictures cost: `tools/pixel_kinds.py PHOTOS`."""

from jndlic.bench.studies.pixel_kinds import main

if __name__ == "__main__":
    raise SystemExit(main())
