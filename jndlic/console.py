"""How far a long run is, for people at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def progress(items: Sequence[Item], unit: str = "file") -> Iterator[Item]:
    """The items; a bar by tqdm, or a plain count where it is not installed. Nothing is shown but at a terminal."""
    try:
        from tqdm import tqdm
    except ImportError:
        return _counted(items, unit)
    return iter(tqdm(items, unit=unit, disable=None))


def _counted(items: Sequence[Item], unit: str) -> Iterator[Item]:
    shown = sys.stderr.isatty()
    for number, item in enumerate(items):
        if shown:
            print(f"\r{number}/{len(items)} {unit}s", end="", file=sys.stderr, flush=True)
        yield item
    if shown:
        print(f"\r{len(items)}/{len(items)} {unit}s", file=sys.stderr)
