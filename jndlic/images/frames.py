"""Which picture of a file with several is read: of an animation its frames, of a document its
pages.
"""

from __future__ import annotations

from PIL import Image

from jndlic.errors import ParameterError

_ICC_TAG = 34675  # of TIFF


def choose_frame(image: Image.Image, frame: int | None) -> tuple[str, ...]:
    """Lets an image stand at a frame.

    Args:
        image: opened, not loaded.
        frame: its number, the first being 0. None: the first, and it is told that there are others.

    Returns:
        What is lost, in words for the user: nothing where the frame was chosen.

    Raises:
        ParameterError: there is no such frame.
        Exception: nearly anything, on damaged data.
    """
    count = _frame_count(image)
    if frame is not None and not 0 <= frame < count:
        has = "1 frame, number 0" if count == 1 else f"{count} frames, numbers 0 to {count - 1}"
        raise ParameterError(f"there is no frame {frame}: the file has {has}")
    if frame:
        image.seek(frame)
    _drop_others_profile(image)
    return (f"only the first of {count} frames is read",) if frame is None and count > 1 else ()


def _frame_count(image: Image.Image) -> int:
    if image.format == "PSD":  # its layers are no pictures of their own
        return 1
    try:
        return getattr(image, "n_frames", 1)
    except Exception:  # Pillow's readers raise nearly anything on damaged data
        return 1


def _drop_others_profile(image: Image.Image) -> None:
    """Of a page of TIFF without a profile Pillow's `info` has that of a page that it looked at
    before.
    """
    tags = getattr(image, "tag_v2", None)
    if image.format == "TIFF" and tags is not None and _ICC_TAG not in tags:
        image.info.pop("icc_profile", None)
