"""Pictures as a viewer shows them, for formats that keep neither an orientation nor an ICC
profile.
"""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PIL import Image, ImageCms, ImageOps

from jndlic.images.picture import Picture
from jndlic.images.pillow import from_pillow, to_pillow

GRID = 17
"""Values of each channel at which a profile is compared with sRGB."""


def upright(picture: Picture) -> Picture:
    """The picture turned as its EXIF orientation says, and that removed; as it is where the EXIF
    data is broken.
    """
    if picture.exif is None:
        return picture
    try:
        turned = from_pillow(ImageOps.exif_transpose(to_pillow(picture)))
    except Exception:
        # Pillow raises nearly anything on damaged EXIF data; it must not cost the picture
        return picture
    return replace(turned, icc=picture.icc)


def to_srgb(picture: Picture) -> Picture:
    """The picture in sRGB without an ICC profile; its own values where it has none, a broken one,
    or one that is like sRGB.
    """
    if picture.icc is None:
        return picture
    grey = picture.icc[16:20] == b"GRAY"
    if grey and not picture.grey:  # describes other pixels than these
        return replace(picture, icc=None)
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.icc))
        transform = ImageCms.buildTransform(
            profile, ImageCms.createProfile("sRGB"), "L" if grey else "RGB", "RGB"
        )
    except (OSError, ImageCms.PyCMSError):
        return replace(picture, icc=None)

    def converted(pixels: np.ndarray) -> np.ndarray:
        image = Image.fromarray(np.ascontiguousarray(pixels[..., 0]) if grey else pixels)
        return np.array(ImageCms.applyTransform(image, transform))

    probe = _probe(grey)
    # sRGB by another name: rounding would only add noise
    if np.abs(converted(probe).astype(int) - probe).max() <= 1:
        return replace(picture, icc=None)
    pixels = converted(picture.pixels)
    if picture.grey:
        pixels = np.repeat(pixels[..., 1:2], 3, axis=2)
    return replace(picture, pixels=pixels, icc=None)


def _probe(grey: bool) -> np.ndarray:
    """Colours from all over the cube, or all greys: uint8 (N, 1, 3)."""
    if grey:
        return np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    steps = np.linspace(0, 255, GRID).round().astype(np.uint8)
    return np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 1, 3)
