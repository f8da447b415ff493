"""jndlic: a photo goes in, a small file comes out that looks the same.

import jndlic
data = jndlic.encode("photo.png", quality=50)
image = jndlic.decode(data)

jndlic.imwrite("photo.jlic", array)
array = jndlic.imread("photo.jlic")
with jndlic.open("photo.jlic") as file:
    print(file.size, file.quality)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jndlic.errors import (
    FormatError,
    ImageError,
    JndlicError,
    ParameterError,
    TargetError,
    UnsupportedError,
    WeightsError,
)

if TYPE_CHECKING:
    from jndlic.api import decode, encode, imread, imwrite, info, open
    from jndlic.jlic_file import JlicFile

__version__ = "0.1.0"

__all__ = [
    "FormatError",
    "ImageError",
    "JlicFile",
    "JndlicError",
    "ParameterError",
    "TargetError",
    "UnsupportedError",
    "WeightsError",
    "decode",
    "encode",
    "imread",
    "imwrite",
    "info",
    "open",
]

_FROM_API = ("JlicFile", "decode", "encode", "imread", "imwrite", "info", "open")


def __getattr__(name: str) -> object:
    # Loaded when first used (PEP 562), so that importing the package costs next to nothing.
    if name in _FROM_API:
        from jndlic import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
