"""`jndlic info`: what a file says about itself; needs no networks but for `--map`."""

from __future__ import annotations

import argparse
import json
from typing import Any

from jndlic.cli import map as cli_map
from jndlic.cli.streams import input_name, read
from jndlic.console import GOOD, emit
from jndlic.errors import JndlicError
from jndlic.format.container import DEPTH_MIN


def add_command(commands: argparse._SubParsersAction) -> None:
    """Adds `info`."""
    show = commands.add_parser(
        "info", help="what a .jlic file says about itself, and where its bytes go"
    )
    show.add_argument("input", metavar="FILE", help=".jlic file; - is standard input")
    show.add_argument("--json", action="store_true", help="for programs")
    cli_map.add_options(show)
    show.set_defaults(run=_info)


def _info(arguments: argparse.Namespace) -> int:
    from jndlic.api import info

    cli_map.check_options(arguments)
    name = input_name(arguments.input)
    data = read(arguments.input)
    try:
        facts = info(data)
        if arguments.map is not None:
            cli_map.draw(data, arguments.map, arguments.weights)
    except JndlicError as error:
        raise type(error)(f"{name}: {error}") from error
    if arguments.json:
        emit(json.dumps(facts, indent=2))
    else:
        _tell(name, facts)
    return GOOD


def _tell(name: str, facts: dict[str, Any]) -> None:
    """Prints what a file says, for people."""
    kind = ("grey" if facts["grey"] else "RGB") + (" + alpha" if facts["alpha"] else "")
    if facts["depth"] != DEPTH_MIN:
        kind += f", {facts['depth']} bits a channel"
    if facts["orientation"] != 1:
        kind += f", turned by orientation {facts['orientation']} when decoded"
    emit(f"{name}: .jlic version {facts['version']}, {facts['width']} x {facts['height']}, {kind}")
    plane = facts["quality_plane"]
    varies = (
        f" (a plane of {plane['min']} to {plane['max']}, mean {plane['mean']:.1f})" if plane else ""
    )
    if facts["bare"]:
        emit(f"no network: patches alone{_without_loss(facts['patches'])}")
    else:
        emit(
            f"quality {facts['quality']}{varies}, weights {facts['model'] or 'unknown'} "
            f"(fingerprint {facts['fingerprint']})"
        )
    if facts["patches"]:
        area = sum(patch["width"] * patch["height"] for patch in facts["patches"])
        emit(
            f"patches: {len(facts['patches'])} as "
            f"{', '.join(sorted({patch['format'] for patch in facts['patches']}))}, "
            f"{area / (facts['width'] * facts['height']):.1%} of the picture"
        )
    emit(f"{facts['bytes']} bytes, {facts['bpp']:.4f} bpp, latent segments: {facts['segments']}")
    names = {
        "QPLN": "quality plane",
        "ALPH": "alpha plane",
        "PTCH": "patches",
        "icCp": "ICC profile",
        "exIf": "EXIF",
        "xmPd": "XMP",
        "naMe": "name of the weights",
    }
    rows = [("", stream["bytes"], f"{name} stream") for name, stream in facts["streams"].items()]
    rows += [
        (chunk["tag"], chunk["bytes"], names.get(chunk["tag"], "unknown"))
        for chunk in facts["chunks"]
    ]
    for tag, size, name in (*rows, ("", facts["overhead_bytes"], "header, framing, CRCs")):
        bpp = 8 * size / (facts["width"] * facts["height"])
        emit(f"  {tag:4s} {size:10d} bytes {bpp:9.4f} bpp {size / facts['bytes']:6.1%}  {name}")


def _without_loss(patches: list[dict[str, Any]]) -> str:
    return ", all of them without loss" if all(patch["lossless"] for patch in patches) else ""
