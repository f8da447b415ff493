"""What the options of the benchmark (jndlic/cli/bench.py) name: sets of pictures, their kinds, the
command that measures anew.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from jndlic.errors import ParameterError
from jndlic.images.folders import find_images


def picture_sets(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """The pictures of each set, by the name of its folder.

    Raises:
        ParameterError: two sets or two pictures have the same name.
        ImageError: a folder has no pictures.
    """
    found: dict[str, list[Path]] = {}
    for path in paths:
        images = find_images(path)
        name = images[0].resolve().parent.name
        if name in found:
            raise ParameterError(f"two sets have the name {name}")
        found[name] = images
    counts = Counter(image.name for images in found.values() for image in images)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise ParameterError(f"several sets have pictures of the same name: {', '.join(twice[:4])}")
    return found


def read_kinds(path: Path, sets: Mapping[str, Sequence[Path]]) -> dict[str, str]:
    """The kind of each picture.

    Raises:
        ParameterError: the file is not of the form, or of none of these pictures.
    """
    try:
        kinds = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ParameterError(f"--kinds {path} cannot be read: {error}") from error
    if not isinstance(kinds, dict) or not all(isinstance(kind, str) for kind in kinds.values()):
        raise ParameterError(f"--kinds {path}: must be one object of picture names and kinds")
    if not any(image.name in kinds for images in sets.values() for image in images):
        raise ParameterError(f"--kinds {path}: no set has any of these pictures")
    return kinds


def command_of(options: argparse.Namespace) -> str:
    """What makes the figures anew; where they are written and how fast does not matter to them."""
    words = [
        "jndlic",
        "bench",
        *map(str, options.images),
        *(["--codecs", *options.codecs] if options.codecs else []),
    ]
    words += ["--curves", *map(str, options.curves)] if options.curves else []
    words += ["--kinds", str(options.kinds)] if options.kinds else []
    words += ["--metrics", ",".join(options.metrics)] if options.metrics else []
    words += ["--anchor", options.anchor] if options.anchor else []
    words += ["--markdown", str(options.markdown)] if options.markdown else []
    return shlex.join(words + (["--readme", str(options.readme)] if options.readme else []))
