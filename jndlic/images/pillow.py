"""Pictures from and to Pillow's images: modes, alpha, metadata."""

from __future__ import annotations

import numpy as np
from PIL import Image

from jndlic.errors import ImageError
from jndlic.format.container import AREA_MAX
from jndlic.images.metadata import EXIF_MARK, read_metadata
from jndlic.images.picture import Picture, check_size, three_channels


def from_pillow(image: Image.Image) -> Picture:
    """A picture from a Pillow image of any usual mode; of an animation, the frame that it stands
    at.

    16-bit grey is rounded to 8 bits; palettes, CMYK, YCbCr, HSV and one-bit pictures are converted.

    Raises:
        ImageError: the image is damaged, empty, too large, or of a mode without a natural 8-bit
            form (float, Lab).
    """
    check_size(*image.size, AREA_MAX)
    try:
        image.load()
        # Not before: PNG may hold metadata behind the pixels, and Pillow turns TIFF upright while
        # it loads.
        metadata = read_metadata(image)
        if image.mode.startswith("I"):
            return Picture(three_channels(_to_8_bits(np.asarray(image))), grey=True, **metadata)
        transparent = image.has_transparency_data
        if image.mode in ("1", "L", "LA", "La"):
            if not transparent:
                return Picture(
                    three_channels(np.asarray(image.convert("L"))), grey=True, **metadata
                )
            if image.mode == "La":  # Pillow knows no direct way from here to RGBA
                image = image.convert("LA")
            both = np.asarray(image.convert("RGBA"))
            return Picture(three_channels(both[..., 0]), both[..., 3].copy(), grey=True, **metadata)
        if image.mode in ("F", "LAB"):
            raise ImageError(
                f"pictures of mode {image.mode} are not supported: convert to 8-bit RGB first"
            )
        if not transparent:
            return Picture(np.array(image.convert("RGB")), **metadata)
        both = np.asarray(image.convert("RGBA"))
        return Picture(both[..., :3].copy(), both[..., 3].copy(), **metadata)
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # Pillow's readers raise nearly anything on damaged data
        raise ImageError(f"the picture cannot be decoded: {error}") from error


def to_pillow(picture: Picture) -> Image.Image:
    """A Pillow image of mode L, LA, RGB or RGBA, with the metadata in its `info`."""
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
    """The pixels as a viewer shows them, uint8 (H, W, 3): what is transparent lies on white."""
    if picture.alpha is None:
        return picture.pixels
    return np.asarray(on_white(to_pillow(picture)).convert("RGB"))


def on_white(image: Image.Image) -> Image.Image:
    """What is transparent, on white."""
    colour = Image.new("RGBA", image.size, "white")
    colour.alpha_composite(image.convert("RGBA"))
    return colour.convert("L" if image.mode == "LA" else "RGB")


def _to_8_bits(values: np.ndarray) -> np.ndarray:
    """16-bit grey levels, of whatever integer type Pillow chose for them, to 8 bits, rounded."""
    if values.min() < 0 or values.max() > 65535:
        raise ImageError("a picture with more than 16 bits per sample is not supported")
    return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
