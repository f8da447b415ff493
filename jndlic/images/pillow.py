"""Pictures from and to Pillow's images: modes, alpha, metadata."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from jndlic.errors import ImageError
from jndlic.format.container import AREA_MAX, DEPTH_MAX, DEPTH_MIN
from jndlic.images.colours import NEITHER_RGB_NOR_GREY, to_rgb
from jndlic.images.losses import profile_losses
from jndlic.images.metadata import EXIF_MARK, read_metadata
from jndlic.images.picture import Picture, check_size, three_channels, turned, with_depth


def from_pillow(image: Image.Image) -> Picture:
    """A picture from a Pillow image of any usual mode; of an animation, the frame that it stands
    at.

    16-bit grey keeps its bits; of RGB Pillow has 8. Palettes, YCbCr, HSV and one-bit pictures are
    converted; LAB and, where there is a profile for it, CMYK to sRGB (colours.py).

    Raises:
        ImageError: the image is damaged, empty, too large, or of a mode without a natural 8-bit
            form (float; LAB where Pillow was built without LittleCMS).
    """
    check_size(*image.size, AREA_MAX)
    try:
        image.load()
        # Not before: PNG may hold metadata behind the pixels, and Pillow turns TIFF upright while
        # it loads.
        metadata = read_metadata(image)
        losses = profile_losses(image, metadata["icc"])
        if image.mode in NEITHER_RGB_NOR_GREY:
            image, losses = to_rgb(image)
            metadata["icc"] = None
        return replace(_from_loaded(image), **metadata, losses=losses)
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # Pillow's readers raise nearly anything on damaged data
        raise ImageError(f"the picture cannot be decoded: {error}") from error


def _from_loaded(image: Image.Image) -> Picture:
    """Pixels and alpha."""
    if image.mode.startswith("I"):
        values = _of_16_bits(np.asarray(image))
        # A grey level that is transparent; of what was converted from a palette it is an index
        clear = image.info.get("transparency") if image.format == "PNG" else None
        alpha = np.where(values == clear, 0, 255).astype(np.uint8) if clear is not None else None
        return Picture(three_channels(values), alpha, grey=True, depth=DEPTH_MAX)
    if image.mode == "F":
        raise ImageError("pictures of mode F are not supported: convert to 8-bit RGB first")
    transparent = image.has_transparency_data
    if image.mode in ("1", "L", "LA", "La"):
        if not transparent:
            return Picture(three_channels(np.asarray(image.convert("L"))), grey=True)
        if image.mode == "La":  # Pillow knows no direct way from here to RGBA
            image = image.convert("LA")
        both = np.asarray(image.convert("RGBA"))
        return Picture(three_channels(both[..., 0]), both[..., 3].copy(), grey=True)
    if not transparent:
        return Picture(np.array(image.convert("RGB")))
    both = np.asarray(image.convert("RGBA"))
    return Picture(both[..., :3].copy(), both[..., 3].copy())


def to_pillow(picture: Picture) -> Image.Image:
    """A Pillow image of mode L, LA, RGB or RGBA, turned as the picture's own orientation (not that
    of its EXIF) says, with the metadata in its `info`. More than 8 bits become mode I;16 where the
    picture is grey without alpha, else 8 bits: Pillow has no such mode. What is drawn for this is
    drawn with so many bits at once (`pillow_depth` of jndlic/jlic_file.py).
    """
    deep = picture.depth > DEPTH_MIN and picture.grey and picture.alpha is None
    picture = with_depth(picture, DEPTH_MAX if deep else DEPTH_MIN)
    picture = turned(picture, picture.orientation)
    if picture.grey:
        image = Image.fromarray(np.ascontiguousarray(picture.pixels[..., 0]))
    else:
        image = Image.fromarray(picture.pixels)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    if picture.icc is not None:
        image.info["icc_profile"] = picture.icc
    if picture.exif is not None:
        image.info["exif"] = EXIF_MARK + picture.exif
    if picture.xmp is not None:
        image.info["xmp"] = picture.xmp
    return image


def shown(picture: Picture) -> np.ndarray:
    """The pixels as they are compared, uint8 (H, W, 3): turned by the picture's own orientation
    (not that of its EXIF), and what is transparent lies on white.
    """
    picture = with_depth(picture, DEPTH_MIN)
    if picture.alpha is None:
        return turned(picture, picture.orientation).pixels
    return np.asarray(on_white(to_pillow(picture)).convert("RGB"))


def on_white(image: Image.Image) -> Image.Image:
    """What is transparent, on white."""
    colour = Image.new("RGBA", image.size, "white")
    colour.alpha_composite(image.convert("RGBA"))
    return colour.convert("L" if image.mode == "LA" else "RGB")


def _of_16_bits(values: np.ndarray) -> np.ndarray:
    """16-bit grey levels, of whatever integer type Pillow chose for them."""
    if values.min() < 0 or values.max() > 65535:
        raise ImageError("a picture with more than 16 bits per sample is not supported")
    return values.astype(np.uint16)
