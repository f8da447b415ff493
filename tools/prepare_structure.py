"""Pairs of patches for the structure network: `tools/prepare_structure.py --photos PHOTOS
pairs.npz`.
"""

from jndlic.training.structure.commands import prepare

if __name__ == "__main__":
    raise SystemExit(prepare())
