"""Colours to sRGB by their profile, through LittleCMS. Pillow's wheels have it; it is loaded when
it is needed.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image

from jndlic.errors import ImageError, UnsupportedError
from jndlic.format.container import DEPTH_MIN
from jndlic.images.picture import Picture, three_channels, with_depth

NEITHER_RGB_NOR_GREY = ("CMYK", "LAB")
"""Modes of Pillow whose colours need a profile to be RGB."""

GRID = 17
"""Values of each channel at which a profile is compared with sRGB."""

Convert = Callable[[Image.Image], Image.Image]


def to_srgb(picture: Picture) -> Picture:
    """The picture in sRGB without an ICC profile. Its values stay where it has none, a broken one,
    one of other colours, or one that is like sRGB; `losses` tells of the second and third. Alpha
    stays.

    Raises:
        UnsupportedError: it has a profile, and Pillow was built without LittleCMS.
    """
    if picture.icc is None:
        return picture
    grey = picture.icc[16:20] == b"GRAY"
    describes = picture.grey or not grey
    convert = _conversion(picture.icc, "L" if grey else "RGB") if describes else None
    if convert is None:
        told = "the colour profile cannot be applied, and the values are taken for sRGB"
        return replace(picture, icc=None, losses=(*picture.losses, told))

    def converted(pixels: np.ndarray) -> np.ndarray:
        image = Image.fromarray(np.ascontiguousarray(pixels[..., 0]) if grey else pixels)
        return np.array(convert(image))

    probe = _probe(grey)
    # sRGB by another name: rounding would only add noise
    if np.abs(converted(probe).astype(int) - probe).max() <= 1:
        return replace(picture, icc=None)
    if picture.depth > DEPTH_MIN:
        told = "colours are converted with 8 bits a channel"
        picture = replace(with_depth(picture, DEPTH_MIN), losses=(*picture.losses, told))
    pixels = converted(picture.pixels)
    if picture.grey:
        pixels = three_channels(pixels[..., 1])
    return replace(picture, pixels=pixels, icc=None)


def to_rgb(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """An image of NEITHER_RGB_NOR_GREY as RGB: sRGB where a profile says what its colours are.

    Args:
        image: loaded. LAB is what CIE says of it, under D50; CMYK needs the image's own profile,
            and is converted plainly where it is missing, broken, or LittleCMS is.

    Returns:
        The image; what was lost, in words for the user.

    Raises:
        ImageError: LAB, and Pillow was built without LittleCMS.
    """
    lab, profile = image.mode == "LAB", image.info.get("icc_profile")
    try:
        convert = _conversion(None if lab else profile, image.mode) if lab or profile else None
    except UnsupportedError:
        convert = None
    if convert is not None:
        return convert(image), ("LAB becomes sRGB" if lab else "CMYK becomes sRGB by its profile",)
    if lab:
        raise ImageError("pictures of mode LAB need LittleCMS, which Pillow was built without")
    dropped = ("the colour profile is dropped, which cannot be applied",) if profile else ()
    return image.convert("RGB"), ("CMYK becomes RGB", *dropped)


def _conversion(profile: bytes | None, mode: str) -> Convert | None:
    """What brings images to sRGB, relative to its white and black; None where the profile is broken
    or not one for the mode.

    Args:
        profile: of the images; None for CIE's LAB.
        mode: of the images.

    Raises:
        UnsupportedError: Pillow was built without LittleCMS.
    """
    from PIL import ImageCms, features

    if not features.check("littlecms2"):
        raise UnsupportedError("Pillow was built without LittleCMS, which converts colours")
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if mode in ("L", "LAB"):  # by LittleCMS's short cut dark greys are 10 levels off
        flags |= ImageCms.Flags.NOOPTIMIZE
    try:
        own = (
            ImageCms.createProfile("LAB")
            if profile is None
            else ImageCms.ImageCmsProfile(io.BytesIO(profile))
        )
        transform = ImageCms.buildTransform(
            own,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags,
        )
    except (OSError, ImageCms.PyCMSError):
        return None
    return transform.apply


def _probe(grey: bool) -> np.ndarray:
    """Colours from all over the cube, or all greys: uint8 (N, 1, 3)."""
    if grey:
        return three_channels(np.arange(256, dtype=np.uint8)[:, None])
    steps = np.linspace(0, 255, GRID).round().astype(np.uint8)
    return np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 1, 3)
