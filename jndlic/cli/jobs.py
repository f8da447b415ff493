"""Which files a command makes of which: the grammar of inputs and outputs.

IN OUT             one file to another
IN                 the file beside IN, with its suffix replaced; `-` from `-`
IN... -o FOLDER    each into a folder, which is made if it is not there
IN...              each beside its input
FOLDER -r          what is in the folders, as a tree
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from jndlic.cli.streams import STANDARD, is_stream, named_output
from jndlic.errors import ImageError, ParameterError
from jndlic.images.folders import renamed


class Job(NamedTuple):
    """A file and what shall be made of it."""

    source: str
    target: str
    into_folder: bool = False
    """Whether the target's folder may be made."""
    again: bool = False
    """Whether a target that is there is what an earlier try has made, and may be replaced."""


class Kind(NamedTuple):
    """What a command reads and writes."""

    name: str
    """Of the inputs, for messages: "pictures"."""
    is_source: Callable[[Path], bool]
    """Whether a file in a folder is an input."""
    suffix: str
    """Of the outputs that are named after their inputs."""
    is_target: Callable[[str], bool]
    """Whether a name has the suffix of an output."""


def add_options(parser: argparse.ArgumentParser, source: str, target: str) -> None:
    """Inputs, outputs, and how many of them are treated.

    Args:
        parser: of a command.
        source, target: what they are, for the help.
    """
    add = parser.add_argument
    add("inputs", nargs="+", metavar="IN", help=f"{source}; - is standard input")
    add(
        "-o",
        "--output",
        metavar="OUT",
        help=f"{target}, or a folder for many; - is standard output. Of two names the last is OUT "
        "without -o as well; without any OUT files go beside their inputs",
    )
    add("-f", "--force", action="store_true", help="--overwrite, and any suffix and a terminal")
    add("--overwrite", action="store_true", help="replace files that are there already")
    add("--skip-existing", action="store_true", help="leave out what is there already")
    add("-r", "--recursive", action="store_true", help="of a folder, all that is in it")


def find_jobs(arguments: argparse.Namespace, kind: Kind) -> tuple[list[Job], bool]:
    """What the arguments ask for.

    Args:
        arguments: of `add_options`.
        kind: of the command.

    Returns:
        The jobs; whether it is one, named by the user, whose error is the command's.

    Raises:
        ParameterError: they contradict one another.
        ImageError: a folder without inputs.
    """
    sources, target = list(arguments.inputs), arguments.output
    if target is None and len(sources) == 2 and _is_output(sources[1], kind):
        if os.path.isdir(sources[0]):  # the second time OUT would be there, and a folder of inputs
            raise ParameterError(f"{sources[0]}: a folder; what is in it goes to -o OUT")
        target = sources.pop()
    target = None if target is None else named_output(target)
    many = len(sources) > 1 or os.path.isdir(sources[0])
    if many and STANDARD in sources:
        raise ParameterError("standard input is one file: it cannot be among others")
    if target is not None and (target.endswith(("/", os.sep)) or os.path.isdir(target) or many):
        if target == STANDARD or (os.path.exists(target) and not os.path.isdir(target)):
            raise ParameterError(f"{target}: many files go into a folder")
        return _into(Path(target), sources, arguments.recursive, kind), not many
    if target is None:
        if sources[0] != STANDARD:
            return _into(None, sources, arguments.recursive, kind), not many
        target = STANDARD
    if not (arguments.force or is_stream(target) or kind.is_target(target)):
        raise ParameterError(
            f"{target}: the output must end in {kind.suffix}; --force takes any name"
        )
    return [Job(sources[0], target)], True


def _is_output(name: str, kind: Kind) -> bool:
    """Whether the second of two names is what shall be written: neither an input that a shell's
    pattern has found, nor a folder.
    """
    if is_stream(name) or kind.is_target(name):
        return True
    return not os.path.exists(name) and not kind.is_source(Path(name))


def _into(folder: Path | None, names: Sequence[str], recursive: bool, kind: Kind) -> list[Job]:
    """A job for each file and each file in a folder; without a folder to go into, beside it."""
    found: list[tuple[Path, Path]] = []  # inputs, and their paths below the folder
    for name in names:
        path = Path(name)
        if not path.is_dir():
            found.append((path, path if folder is None else Path(path.name)))
            continue
        if not recursive:
            raise ParameterError(f"{name}: a folder; -r takes the {kind.name} in it")
        below = [one for one in sorted(path.rglob("*")) if kind.is_source(one)]
        if folder is not None and path.resolve() in folder.resolve().parents:
            # Of an earlier run, and no inputs
            below = [one for one in below if folder.resolve() not in one.resolve().parents]
        if not below:
            raise ImageError(f"{name}: no {kind.name} in this folder")
        found += [(one, one if folder is None else one.relative_to(path)) for one in below]
    targets = [(folder or Path()) / one for one in renamed([one for _, one in found], kind.suffix)]
    taken: dict[Path, Path] = {}
    for (source, _), target in zip(found, targets):
        other = taken.setdefault(target, source)
        if other is not source:
            raise ParameterError(f"{target}: would be made of both {other} and {source}")
    return [
        Job(str(source), str(target), folder is not None)
        for (source, _), target in zip(found, targets)
    ]
