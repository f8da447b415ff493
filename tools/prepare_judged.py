"""Coded photos with scores of a proxy: `tools/prepare_judged.py PHOTOS --out judged`."""

from jndlic.training.predictors.commands import prepare

if __name__ == "__main__":
    raise SystemExit(prepare())
