"""How badly the network draws the blocks of photos, for jndlic/patches/floors.py:
`tools/patch_floors.py PHOTOS`.
"""

from jndlic.bench.studies.patch_floors import main

if __name__ == "__main__":
    raise SystemExit(main())
