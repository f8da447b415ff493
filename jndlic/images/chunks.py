"""What the codec does not code itself, as chunks of a file."""

from __future__ import annotations

from jndlic.format.container import TAG_ALPHA, TAG_EXIF, TAG_ICC, TAG_XMP
from jndlic.format.planes import encode_plane
from jndlic.images.picture import Picture


def metadata_chunks(picture: Picture) -> tuple[tuple[bytes, bytes], ...]:
    """ICC profile, EXIF and XMP, as far as the picture has them."""
    chunks = ((TAG_ICC, picture.icc), (TAG_EXIF, picture.exif), (TAG_XMP, picture.xmp))
    return tuple((tag, payload) for tag, payload in chunks if payload)


def alpha_chunks(picture: Picture) -> tuple[tuple[bytes, bytes], ...]:
    """Opacity as a plane, if the picture has any."""
    return () if picture.alpha is None else ((TAG_ALPHA, encode_plane(picture.alpha)),)


def side_chunks(picture: Picture) -> tuple[tuple[bytes, bytes], ...]:
    """Both, as every file of the network holds them at any quality."""
    return (*metadata_chunks(picture), *alpha_chunks(picture))
