"""Colour profiles whose effect is known, made by the rules of ICC.1:2001-04 (version 2.4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

SRGB_COLORANTS = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
"""XYZ of red, green and blue under D50."""

D50 = (0.9642, 1.0, 0.8249)


def rgb_profile(colorants: Sequence[Sequence[float]] = SRGB_COLORANTS, gamma: float = 2.2) -> bytes:
    """Three colorants and a tone curve. By default nearly sRGB."""
    tags = {b"wtpt": _xyz(D50)}
    for letter, colorant in zip((b"r", b"g", b"b"), colorants):
        tags[letter + b"XYZ"] = _xyz(colorant)
        tags[letter + b"TRC"] = _curve(gamma)
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def swapped_profile() -> bytes:
    """Of pictures whose red is stored as blue."""
    return rgb_profile(SRGB_COLORANTS[::-1])


def grey_profile(gamma: float) -> bytes:
    """A tone curve."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"wtpt": _xyz(D50), b"kTRC": _curve(gamma)})


def cmyk_profile(cyan: Sequence[float] = (60.0, -40.0, -40.0)) -> bytes:
    """A table of 2 values a channel: paper is white, cyan as given in L*a*b*, magenta, yellow and
    black are black, and so is all that is printed twice.
    """
    table = [(0.0, 0.0, 0.0)] * 16
    table[0], table[8] = (100.0, 0.0, 0.0), (cyan[0], cyan[1], cyan[2])  # the first channel moves
    values = [
        round(value)
        for light, a, b in table  # the slowest
        for value in (light * 652.8, (a + 128) * 256, (b + 128) * 256)
    ]
    identity = (0, 65535)
    lut = b"mft2" + bytes(4) + bytes((4, 3, 2, 0))
    lut += struct.pack(">9i", *(65536 * (row == column) for row in range(3) for column in range(3)))
    lut += struct.pack(">HH", 2, 2) + struct.pack(">8H", *identity * 4)
    lut += struct.pack(f">{len(values)}H", *values) + struct.pack(">6H", *identity * 3)
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"wtpt": _xyz(D50), b"A2B0": lut})


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def _profile(kind: bytes, colours: bytes, space: bytes, tags: dict[bytes, bytes]) -> bytes:
    text = b"jndlic test\0"
    tags = {
        b"cprt": b"text" + bytes(4) + text,
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78),
        **tags,
    }
    place = 128 + 4 + 12 * len(tags)
    table, content = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += name + struct.pack(">II", place + len(content), len(tag))
        content += tag + bytes(-len(tag) % 4)
    white = struct.pack(">3i", *(round(value * 65536) for value in D50))
    head = b"".join(
        (
            struct.pack(">I4sI", place + len(content), bytes(4), 0x02400000),
            *(kind, colours, space, struct.pack(">6H", 2024, 1, 1, 0, 0, 0), b"acsp", bytes(28)),
            white,
        )
    )
    return head.ljust(128, b"\0") + table + content
