"""A file that meets its target: never above a size, never worse than a metric, and no quality
would do better.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy_codec import ToyCodec

import jndlic
from jndlic import pipeline
from jndlic.choices import METRICS
from jndlic.errors import JndlicError, MetricError, ParameterError, TargetError, WeightsError
from jndlic.images.picture import Picture, from_array
from jndlic.images.pillow import shown
from jndlic.jnd.regions import region_of_interest
from jndlic.metrics import registry
from jndlic.metrics.psnr import psnr
from jndlic.metrics.ssimulacra2_package import ssimulacra2
from jndlic.pipeline import analyse_picture, decode_picture, encode_analysed, encode_picture
from jndlic.runtime.backend import Backend
from jndlic.targets import encoding
from jndlic.targets.encoding import encode_to_target
from jndlic.targets.search import LOOKS_MAX
from jndlic.targets.target import MetricTarget, RateTarget, SizeTarget, chosen_target

QUALITIES = range(1, 101)
PSNR = "psnr-rgb"


def waves(height: int, width: int, channels: int = 3) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    planes = [rows * 2 + columns, columns, 128 + 90 * np.sin(rows / 9.0), columns * 7]
    noise = np.random.default_rng(5).normal(0, 9, (height, width, channels))
    return np.clip(np.dstack(planes[:channels]) + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Qualities of the files that a search makes."""
    qualities: list[int] = []

    def counted(picture: object, analysed: object, quality: int, *rest: object) -> bytes:
        qualities.append(quality)
        return encode_analysed(picture, analysed, quality, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(encoding, "encode_analysed", counted)
    return qualities


@pytest.fixture(scope="module")
def small(photo: np.ndarray) -> Picture:
    return Picture(np.ascontiguousarray(photo[40:136, 180:308]))


@pytest.fixture(scope="module")
def files(small: Picture, codec: Backend) -> dict[int, bytes]:
    """The small photo at every quality."""
    analysed = analyse_picture(small, codec)
    return {quality: encode_analysed(small, analysed, quality, codec) for quality in QUALITIES}


def test_a_picture_that_was_analysed_gives_the_usual_file(
    small: Picture, codec: Backend, files: dict[int, bytes]
) -> None:
    for quality in (1, 37, 100):
        assert files[quality] == encode_picture(small, quality, codec)


def test_the_largest_quality_that_fits(
    small: Picture, codec: Backend, files: dict[int, bytes], made: list[int]
) -> None:
    sizes = {quality: len(data) for quality, data in files.items()}
    for quality in (1, 2, 13, 50, 77, 99, 100):
        for limit in (sizes[quality], sizes[quality] + 1):
            made.clear()
            found = encode_to_target(small, SizeTarget(limit), codec)
            assert found.quality == max(one for one in QUALITIES if sizes[one] <= limit)
            assert found.data == files[found.quality] and found.value == len(found.data) <= limit
            assert found.files == len(made) == len(set(made)) <= LOOKS_MAX


def test_a_rate_is_a_size(small: Picture, codec: Backend, files: dict[int, bytes]) -> None:
    area = small.width * small.height
    found = encode_to_target(small, RateTarget(8 * len(files[40]) / area), codec)
    assert (found.quality, found.data) == (40, files[40])
    assert found.value == 8 * len(files[40]) / area
    found = encode_to_target(small, RateTarget(8 * (len(files[40]) - 0.01) / area), codec)
    assert found.quality < 40


def test_a_rate_is_never_exceeded_by_rounding() -> None:
    draw = np.random.default_rng(0)
    for area, size in draw.integers(1, 10**6, (2000, 2)).tolist():
        wanted = 8 * size / area
        for target in (RateTarget(wanted), RateTarget(math.nextafter(wanted, 0))):
            limit = target.limit(area)
            assert target.reached(limit, area) <= target.wanted
            assert limit >= size - 1


def test_few_files_are_made(
    small: Picture, codec: Backend, files: dict[int, bytes], made: list[int]
) -> None:
    counts = []
    for quality in range(5, 100, 10):
        made.clear()
        encode_to_target(small, SizeTarget(len(files[quality]) + 5), codec)
        counts.append(len(made))
    assert max(counts) <= LOOKS_MAX and np.median(counts) <= 5


def test_the_picture_is_analysed_once(
    toy: ToyCodec, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    analysed = []
    monkeypatch.setattr(
        encoding, "analyse_picture", lambda *each: analysed.append(1) or analyse_picture(*each)
    )
    picture = from_array(waves(64, 96))
    encode_to_target(picture, SizeTarget(200), toy)
    assert len(analysed) == 1 and len(made) > 1


@pytest.mark.parametrize("jnd", [None, "pattern", "map"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_all_that_is_in_the_file_counts(
    toy: ToyCodec, jnd: str | None, channels: int, made: list[int]
) -> None:
    picture = from_array(waves(70, 90, channels))
    picture.icc, picture.xmp = bytes(16) + b"RGB " + bytes(500), b"<x/>"
    steering = waves(70, 90)[..., 0].astype(np.float32) / 9 if jnd == "map" else jnd
    analysed = analyse_picture(picture, toy, steering)
    sizes = [len(encode_analysed(picture, analysed, quality, toy)) for quality in QUALITIES]
    assert sizes[49] == len(encode_picture(picture, 50, toy, steering))
    for limit in (sizes[30], sizes[60] + 3):
        found = encode_to_target(picture, SizeTarget(limit), toy, steering)
        assert len(found.data) <= limit
        assert len(found.data) == sizes[found.quality - 1]
        # The toy's planes of qualities make sizes that fall, by more than those of real networks
        finer = found.quality == 100 or sizes[found.quality] > limit
        assert finer or (jnd and found.files == LOOKS_MAX)
        back = decode_picture(found.data, toy)
        assert (back.icc, back.xmp, back.grey) == (picture.icc, picture.xmp, channels < 3)
        assert (back.alpha is None) == (channels in (1, 3))
    assert jndlic.info(found.data)["quality"] == found.quality == made[made.index(found.quality)]


def test_sizes_that_waver(toy: ToyCodec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of tiny pictures a finer quality may be a few bytes smaller: those beside the limit are tried
    too, and whatever comes out fits."""
    draw = np.random.default_rng(1)
    picture = from_array(waves(9, 9))
    finest = 0
    for _ in range(200):
        sizes = 50 + np.arange(100) + draw.integers(-2, 2, 100)
        monkeypatch.setattr(
            encoding, "encode_analysed", lambda *each, sizes=sizes: bytes(sizes[each[2] - 1])
        )
        limit = int(draw.integers(60, 140))
        found = encode_to_target(picture, SizeTarget(limit), toy)
        assert len(found.data) == sizes[found.quality - 1] <= limit and found.files <= LOOKS_MAX
        finest += found.quality == 1 + np.flatnonzero(sizes <= limit).max()
    assert finest > 180


def test_a_size_that_no_quality_has(toy: ToyCodec, made: list[int]) -> None:
    picture = from_array(waves(64, 96))
    smallest = len(encode_picture(picture, 1, toy))
    with pytest.raises(
        TargetError, match=f"at most 20 bytes: quality 1 makes {smallest} bytes"
    ) as no:
        encode_to_target(picture, SizeTarget(20), toy)
    assert (no.value.quality, no.value.best) == (1, smallest) and len(made) <= LOOKS_MAX
    with pytest.raises(TargetError, match=r"0\.001 bpp: quality 1 makes 0\.") as no:
        encode_to_target(picture, RateTarget(0.001), toy)
    assert no.value.best == 8 * smallest / (64 * 96)


def test_a_size_that_every_quality_has(toy: ToyCodec) -> None:
    found = encode_to_target(from_array(waves(64, 96)), SizeTarget(10**9), toy)
    assert found.quality == 100


# ---------------------------------------------------------------- metrics


def test_a_metric_is_never_worse(
    small: Picture, codec: Backend, files: dict[int, bytes], made: list[int]
) -> None:
    def value(quality: int) -> float:
        return psnr(small.pixels, decode_picture(files[quality], codec).pixels)

    for wanted in (value(20), value(60) + 1e-6, 30.0):
        made.clear()
        found = encode_to_target(small, MetricTarget(PSNR, wanted), codec)
        assert found.data == files[found.quality]
        assert found.value == value(found.quality) >= wanted > value(found.quality - 1)
        assert found.files == len(made) == len(set(made)) <= LOOKS_MAX
    exact = encode_to_target(small, MetricTarget(PSNR, value(20)), codec)
    assert exact.quality == 20


def test_the_usual_metric(small: Picture, codec: Backend, files: dict[int, bytes]) -> None:
    pytest.importorskip("ssimulacra2")

    def value(quality: int) -> float:
        return ssimulacra2(small.pixels, decode_picture(files[quality], codec).pixels)

    wanted = value(50) - 0.001
    found = encode_to_target(small, MetricTarget("ssimulacra2", wanted), codec)
    assert value(found.quality) == found.value >= wanted > value(found.quality - 1)
    assert found.quality <= 50


@pytest.mark.parametrize("name", sorted(registry.LOWER_IS_BETTER))
def test_lower_may_be_better(
    name: str, small: Picture, codec: Backend, files: dict[int, bytes]
) -> None:
    try:
        metric = registry.open_metric(name)
    except (MetricError, WeightsError) as error:
        pytest.skip(str(error))
    values = {
        quality: metric(small.pixels, decode_picture(files[quality], codec).pixels)
        for quality in (20, 45, 70)
    }
    if not values[20] > values[45] > values[70]:
        pytest.skip("does not fall with the quality of this picture")
    wanted = values[45]
    found = encode_to_target(small, MetricTarget(name, wanted), codec)
    assert found.value <= wanted and 20 < found.quality <= 45
    before = decode_picture(files[found.quality - 1], codec).pixels
    assert metric(small.pixels, before) > wanted


def test_transparent_pictures_are_compared_on_white(toy: ToyCodec) -> None:
    picture = from_array(waves(64, 96, 4))
    wanted = psnr(shown(picture), shown(decode_picture(encode_picture(picture, 50, toy), toy)))
    found = encode_to_target(picture, MetricTarget(PSNR, wanted), toy)
    assert found.value == psnr(shown(picture), shown(decode_picture(found.data, toy))) >= wanted


def test_a_value_that_no_quality_has(toy: ToyCodec) -> None:
    picture = from_array(waves(64, 96))
    with pytest.raises(TargetError, match=rf"as good as {PSNR} 90: quality \d+ has \d+\.") as no:
        encode_to_target(picture, MetricTarget(PSNR, 90.0), toy)
    finest = decode_picture(encode_picture(picture, 100, toy), toy).pixels
    assert no.value.best == pytest.approx(psnr(picture.pixels, finest), abs=0.2)
    assert no.value.quality is not None and no.value.quality > 90


def test_tiny_pictures(toy: ToyCodec) -> None:
    tiny = from_array(waves(1, 1))
    assert encode_to_target(tiny, SizeTarget(200), toy).quality == 100
    with pytest.raises(MetricError, match="cannot judge a picture of 1 x 1 pixels"):
        encode_to_target(tiny, MetricTarget("ms-ssim-rgb", 0.5), toy)
    pytest.importorskip("ssimulacra2")
    # The package itself calls all pictures below 8 x 8 equal
    with pytest.raises(TargetError, match="ssimulacra2"):
        encode_to_target(from_array(waves(7, 7)), MetricTarget("ssimulacra2", 99.9), toy)


def test_what_metrics_need_is_missed_before_the_work(
    toy: ToyCodec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def analyse(*_: object) -> None:
        raise AssertionError("analysed")

    monkeypatch.setattr(encoding, "analyse_picture", analyse)
    picture = from_array(waves(64, 96))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MetricError, match="butteraugli_main"):
        encode_to_target(picture, MetricTarget("butteraugli-3norm", 1.0), toy)
    missing = MetricTarget("lpips-squeeze", 0.1, str(tmp_path / "none.pth"))
    with pytest.raises(WeightsError, match=r"none\.pth"):
        encode_to_target(picture, missing, toy)
    monkeypatch.setitem(sys.modules, "jndlic.metrics.registry", None)
    with pytest.raises(MetricError, match=r"jndlic\[bench\]"):
        encode_to_target(picture, MetricTarget(PSNR, 30.0), toy)


def test_names_of_metrics() -> None:
    assert METRICS == registry.NAMES


# ---------------------------------------------------------------- Python


def test_calls(toy: ToyCodec, tmp_path: Path) -> None:
    pixels = waves(64, 96)
    limit = len(jndlic.encode(pixels, 40, codec=toy))
    data = jndlic.encode(pixels, target_size=limit, codec=toy)
    assert len(data) <= limit and jndlic.info(data)["quality"] >= 40
    assert jndlic.encode(pixels, target_bpp=8 * limit / (64 * 96), codec=toy) == data
    assert jndlic.encode(pixels, target_size=np.int64(limit), codec=toy) == data
    good = jndlic.encode(pixels, target_metric=(PSNR, 15.0), codec=toy)
    assert psnr(pixels, jndlic.imread(good, codec=toy)) >= 15.0
    jndlic.imwrite(tmp_path / "a.jlic", pixels, target_size=limit, codec=toy)
    assert (tmp_path / "a.jlic").read_bytes() == data
    steered = jndlic.encode(pixels, target_size=limit + 60, codec=toy, jnd="pattern")
    assert len(steered) <= limit + 60 and jndlic.info(steered)["quality_plane"]
    assert jndlic.encode(pixels, codec=toy) == jndlic.encode(pixels, 50, codec=toy)


def test_what_is_not_reached_is_not_written(toy: ToyCodec, tmp_path: Path) -> None:
    for target in ({"target_size": 9}, {"target_bpp": 1e-6}, {"target_metric": (PSNR, 200)}):
        with pytest.raises(jndlic.TargetError) as no:
            jndlic.imwrite(tmp_path / "a.jlic", waves(64, 96), codec=toy, **target)
        assert no.value.best and isinstance(no.value, JndlicError)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"quality": 50, "target_size": 900}, "quality and target_size exclude"),
        ({"target_bpp": 1.0, "target_size": 900}, "target_size and target_bpp exclude"),
        ({"target_bpp": 1.0, "target_metric": (PSNR, 30)}, "exclude"),
        ({"quality": 3, "target_metric": (PSNR, 30)}, "exclude"),
        ({"target_size": 0}, "at least 1 byte"),
        ({"target_size": -4}, "at least 1 byte"),
        ({"target_size": 10.5}, "target_size must be an integer"),
        ({"target_size": "200KB"}, "target_size must be an integer"),
        ({"target_size": True}, "target_size must be an integer"),
        ({"target_bpp": 0}, "above 0"),
        ({"target_bpp": math.nan}, "must be a number"),
        ({"target_bpp": math.inf}, "must be a number"),
        ({"target_bpp": "1"}, "must be a number"),
        ({"target_metric": "ssimulacra2"}, "name of a metric and a value"),
        ({"target_metric": (PSNR,)}, "name of a metric and a value"),
        ({"target_metric": ("ssim", 1)}, "no metric 'ssim'"),
        ({"target_metric": (80.0, PSNR)}, "no metric"),
        ({"target_metric": (PSNR, "good")}, "must be a number"),
        ({"target_metric": (PSNR, math.nan)}, "must be a number"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object], match: str, toy: ToyCodec) -> None:
    with pytest.raises(ParameterError, match=match):
        jndlic.encode(waves(16, 16), codec=toy, **arguments)  # type: ignore[arg-type]


def test_without_a_target() -> None:
    assert chosen_target(None, None, None, None) is None
    assert chosen_target(30, None, None, None) is None


def test_pillow(toy: ToyCodec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import jndlic.pillow_plugin

    monkeypatch.setattr("jndlic.api.shipped_codec", lambda: toy)
    image, path = Image.fromarray(waves(64, 96)), tmp_path / "a.jlic"
    for options in ({"target_size": 300}, {"target_bpp": 0.4}, {"target_metric": (PSNR, 15.0)}):
        image.save(path, **options)
        assert path.read_bytes() == jndlic.encode(image, **options)
    with pytest.raises(ParameterError, match="exclude"):
        image.save(path, quality=3, target_bpp=0.3)
    with pytest.raises(OSError, match="no quality") as no:
        image.save(tmp_path / "b.jlic", target_size=9)
    assert isinstance(no.value.__cause__, TargetError) and not (tmp_path / "b.jlic").exists()


def test_large_pictures_are_held_as_features_only(
    toy: ToyCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of whole arrays is not taken: neither symbols nor pixels in floats."""

    def whole(*_: object) -> None:
        raise AssertionError("in one piece")

    monkeypatch.setattr(toy, "synthesise", whole)
    monkeypatch.setattr(pipeline, "quantise", whole)
    picture = from_array(waves(64, 96))
    assert encode_to_target(picture, SizeTarget(300), toy).quality
    assert encode_to_target(picture, MetricTarget(PSNR, 15.0), toy).quality


def test_a_mask_counts_on_the_way_to_a_target() -> None:
    codec, picture = ToyCodec(), from_array(waves(64, 128))
    half = region_of_interest(np.repeat([[True, False]], 64, 1).repeat(64, 0), 1.0)
    target = SizeTarget(200)
    masked = encode_to_target(picture, target, codec, roi=half)
    assert masked.value <= target.wanted
    assert masked.data == encode_picture(picture, masked.quality, codec, roi=half)
    assert masked.data != encode_picture(picture, masked.quality, codec)


def test_limits_of_extreme_targets() -> None:
    assert SizeTarget(10**400).limit(100) > 1 << 40 and RateTarget(1e308).limit(100) > 1 << 40
    area = 23842
    for size in range(25600, 25800):  # a file's own rate lets that very file pass
        assert RateTarget(8 * size / area).limit(area) == size
    codec, picture = ToyCodec(), from_array(waves(32, 32))
    assert encode_to_target(picture, RateTarget(1e308), codec).quality == 100
    assert encode_to_target(picture, SizeTarget(10**400), codec).quality == 100
