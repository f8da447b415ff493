"""Files with several pictures: the one that is asked for, and what is told of the others."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from profiles import rgb_profile, swapped_profile

from jndlic.errors import ImageError, ParameterError
from jndlic.images.files import decoded, load

FORMS = ["PNG", "GIF", "WEBP", "TIFF", "AVIF"]
COLOURS = [(255, 0, 0), (0, 0, 255), (0, 255, 0)]


def animation(form: str) -> bytes:
    """Three frames: red, blue, green."""
    frames = [Image.new("RGB", (9, 7), colour) for colour in COLOURS]
    content = io.BytesIO()
    frames[0].save(content, form, save_all=True, append_images=frames[1:])
    return content.getvalue()


@pytest.mark.parametrize("form", FORMS)
def test_the_frame_that_is_asked_for(form: str) -> None:
    data = animation(form)
    for number, colour in enumerate(COLOURS):
        picture = decoded(io.BytesIO(data), frame=number)
        np.testing.assert_allclose(picture.pixels[3, 4].astype(int), colour, atol=4)
        assert picture.losses == ()  # what was chosen is not lost
    assert decoded(io.BytesIO(data)).losses == ("only the first of 3 frames is read",)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("frame", [3, 10**9, -1])
def test_there_is_no_such_frame(form: str, frame: int) -> None:
    with pytest.raises(ParameterError, match=f"no frame {frame}: .* 3 frames, numbers 0 to 2"):
        decoded(io.BytesIO(animation(form)), frame=frame)


def test_a_picture_has_one_frame(tmp_path: Path) -> None:
    Image.new("L", (3, 3)).save(tmp_path / "a.bmp")
    assert load(tmp_path / "a.bmp", 0).losses == ()
    with pytest.raises(ParameterError, match=r"a\.bmp: there is no frame 1: .* 1 frame"):
        load(tmp_path / "a.bmp", 1)


def test_a_damaged_frame_costs_only_itself() -> None:
    content = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3), dtype=np.uint8)
    first, second = map(Image.fromarray, noise)
    first.save(content, "WEBP", save_all=True, append_images=[second], lossless=True)
    data = bytearray(content.getvalue())
    place = data.rindex(b"VP8L") + 8
    data[place + 40 : place + 400] = bytes(360)
    np.testing.assert_array_equal(decoded(io.BytesIO(data), frame=0).pixels, noise[0])
    with pytest.raises(ImageError):
        decoded(io.BytesIO(data), frame=1)


def test_pages_have_their_own_profile_and_size(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (4 + number, 5)) for number in range(3)]
    for page, profile in zip(pages, (None, rgb_profile(), swapped_profile())):
        page.encoderinfo = {} if profile is None else {"icc_profile": profile}
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    found = [load(tmp_path / "a.tif", number) for number in range(3)]
    assert [one.width for one in found] == [4, 5, 6]
    assert [one.icc for one in found] == [None, rgb_profile(), swapped_profile()]
    assert load(tmp_path / "a.tif").icc is None


def test_a_deep_page_is_told(tmp_path: Path) -> None:
    pages = Image.new("L", (4, 4)), Image.fromarray(np.full((4, 4), 65535, np.uint16))
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=[pages[1]])
    assert load(tmp_path / "a.tif", 0).losses == ()
    picture = load(tmp_path / "a.tif", 1)
    assert picture.losses == ("more than 8 bits a channel become 8",)
    assert picture.pixels.min() == 255


def test_layers_are_no_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    from jndlic.images.frames import choose_frame

    image = Image.new("RGB", (3, 3))
    image.format, image.n_frames = "PSD", 5
    assert choose_frame(image, None) == choose_frame(image, 0) == ()
    with pytest.raises(ParameterError, match="1 frame"):
        choose_frame(image, 1)
