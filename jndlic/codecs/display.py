"""Pictures as a viewer shows them, for formats that keep no orientation; for their colours see
jndlic/images/colours.py.
"""

from __future__ import annotations

from dataclasses import replace

from PIL import ImageOps

from jndlic.images.picture import Picture
from jndlic.images.pillow import from_pillow, to_pillow


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
