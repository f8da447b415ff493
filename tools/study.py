"""Measurements that answer one question each: `tools/study.py NAME ...`; without a name, a list."""

from __future__ import annotations

import sys
from importlib import import_module

from jndlic.bench.studies.names import questions

if __name__ == "__main__":
    names = questions()
    if sys.argv[1:2] and sys.argv[1] in names:
        name = sys.argv[1]
        sys.argv[:2] = [f"study.py {name}"]  # as its help calls it
        raise SystemExit(import_module(f"jndlic.bench.studies.{name}").main())
    print("\n".join(f"{name:15s} {question}" for name, question in names.items()))
    raise SystemExit(0 if sys.argv[1:] in ([], ["-h"], ["--help"]) else f"no study {sys.argv[1]}")
