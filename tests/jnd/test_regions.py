"""A mask becomes octaves of the step: which ones, on which pixels, and what is no mask."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from toy_codec import ToyCodec

import jndlic
from jndlic.errors import ImageError, JndlicError, ParameterError
from jndlic.images.picture import Picture, from_array
from jndlic.jnd.own_map import own_map
from jndlic.jnd.regions import region_of_interest, roi_octaves
from jndlic.pipeline import analyse_picture

RANDOM = np.random.default_rng(3)
PIXELS = RANDOM.integers(0, 256, (96, 160, 3), dtype=np.uint8)
MASK = np.zeros((96, 160), np.uint8)
MASK[32:64, 64:160] = 255


def octaves(mask: object, strength: float = 2.0, picture: Picture | None = None) -> np.ndarray:
    return roi_octaves(region_of_interest(mask, strength), picture or from_array(PIXELS))


def with_orientation(pixels: np.ndarray, orientation: int) -> Image.Image:
    image = Image.fromarray(pixels)
    tags = image.getexif()
    tags[0x0112] = orientation
    image.info["exif"] = tags.tobytes()
    return image


def test_white_is_nothing_black_the_strength_grey_between() -> None:
    found = octaves(MASK, 1.5)
    # 96 x 160 pixels, padded to 128 x 192 by repeating the last row and column
    expected = np.full((4, 6), 1.5)
    expected[1, 2:] = 0.0
    np.testing.assert_array_equal(found, expected)
    half = MASK.copy()
    half[:32, :16] = 255  # half of the first block
    half[:32, 32:64] = 51  # a fifth of white
    np.testing.assert_allclose(octaves(half)[0, :2], [1.0, 1.6])


def test_all_forms_of_a_mask_mean_the_same(tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.fromarray(MASK).save(content, "PNG")
    path = tmp_path / "mask.webp"
    Image.fromarray(MASK).save(path, lossless=True)
    painted = np.dstack((np.full_like(MASK, 255), MASK))  # white paint on nothing
    for mask in (
        MASK > 0,
        MASK / 255.0,
        (MASK / 255.0).astype(np.float16),
        MASK[..., None].repeat(3, 2),
        painted,
        Image.fromarray(MASK > 0),
        Image.fromarray(MASK).convert("P"),
        Image.fromarray(MASK.astype(np.uint16) * 257),
        content.getvalue(),
        path,
        str(path),
    ):
        np.testing.assert_array_equal(octaves(mask), octaves(MASK))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_lies_on_what_is_seen(orientation: int) -> None:
    """As Pillow turns a picture with that orientation; the mask's own is followed as well."""
    mask = RANDOM.integers(0, 256, (96, 160), dtype=np.uint8)
    image = with_orientation(PIXELS, orientation)
    picture = Picture(PIXELS, exif=image.info["exif"].removeprefix(b"Exif\0\0"))
    raw = with_orientation(mask, orientation)
    seen = np.asarray(ImageOps.exif_transpose(raw))
    np.testing.assert_array_equal(octaves(seen, picture=picture), octaves(mask))
    np.testing.assert_array_equal(octaves(raw, picture=picture), octaves(mask))


def test_the_error_names_the_size_that_is_seen() -> None:
    exif = with_orientation(PIXELS, 6).info["exif"].removeprefix(b"Exif\0\0")
    with pytest.raises(ParameterError, match="mask has 160 x 96 .* 96 x 160, .* orientation 6"):
        octaves(MASK, picture=Picture(PIXELS, exif=exif))
    with pytest.raises(ParameterError, match=r"mask has 159 x 96 pixels, the picture 160 x 96$"):
        octaves(MASK[:, 1:])


@pytest.mark.parametrize(
    ("mask", "error"),
    [
        (np.full((96, 160), 1.5), ParameterError),
        (np.full((96, 160), np.nan), ParameterError),
        (np.full((96, 160), -0.1), ParameterError),
        (np.zeros((96, 160, 3)), ParameterError),
        (np.zeros((0, 160)), ParameterError),
        (np.zeros((96, 160), np.int64), ImageError),
        (b"no picture", ImageError),
        (7, ParameterError),
    ],
)
def test_what_is_no_mask(mask: object, error: type[JndlicError]) -> None:
    with pytest.raises(error):
        octaves(mask)


@pytest.mark.parametrize("strength", [-1.0, np.nan, np.inf, "2", True, None])
def test_what_is_no_strength(strength: object) -> None:
    with pytest.raises(ParameterError, match="strength"):
        region_of_interest(MASK, strength)


def test_octaves_of_mask_and_map_add_up() -> None:
    picture, roi = from_array(PIXELS), region_of_interest(MASK)
    map_ = 2.0 * own_map(PIXELS)
    for jnd in (map_, "pattern"):
        alone = analyse_picture(picture, ToyCodec(), jnd).octaves
        both = analyse_picture(picture, ToyCodec(), jnd, roi=roi).octaves
        np.testing.assert_allclose(both, alone + octaves(MASK))
    own = analyse_picture(picture, ToyCodec(), "namm", roi=roi).octaves
    np.testing.assert_array_equal(own, octaves(MASK))


def test_white_changes_no_byte_and_black_is_a_lower_quality(toy: ToyCodec) -> None:
    plain = jndlic.encode(PIXELS, 90)
    assert jndlic.encode(PIXELS, 90, roi=np.full((96, 160), 255, np.uint8)) == plain
    assert jndlic.encode(PIXELS, 90, roi=MASK, roi_strength=0) == plain
    # Steps of 3.5, 7 and 14; none beyond quality 1
    for strength, quality in ((1, 76), (2, 48), (9, 1)):
        data = jndlic.encode(PIXELS, 90, roi=np.zeros((96, 160), bool), roi_strength=strength)
        assert data == jndlic.encode(PIXELS, quality)


def test_the_white_part_has_the_quality(toy: ToyCodec) -> None:
    with jndlic.open(jndlic.encode(PIXELS, 90, roi=MASK, roi_strength=1)) as file:
        assert file.quality == 90
        assert file.info()["quality_plane"] == {"min": 76, "mean": 76 + 14 / 6, "max": 90}


def test_imwrite_and_pillow_take_a_mask(tmp_path: Path, toy: ToyCodec) -> None:
    import jndlic.pillow_plugin

    expected = jndlic.encode(PIXELS, 60, roi=MASK, roi_strength=1.5)
    jndlic.imwrite(tmp_path / "a.jlic", PIXELS, 60, roi=MASK, roi_strength=1.5)
    Image.fromarray(PIXELS).save(tmp_path / "b.jlic", quality=60, roi=MASK, roi_strength=1.5)
    assert (tmp_path / "a.jlic").read_bytes() == expected
    assert (tmp_path / "b.jlic").read_bytes() == expected
    with pytest.raises(ParameterError, match="mask has"):
        Image.fromarray(PIXELS).save(tmp_path / "c.jlic", roi=MASK[1:])
    with pytest.raises(OSError, match="JLIC"):
        Image.fromarray(PIXELS).save(tmp_path / "c.jlic", roi=b"no picture")
