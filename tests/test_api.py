"""Pictures to bytes and back, with a codec of a few lines: what the calls promise whatever the
network does.
"""

from __future__ import annotations

import subprocess
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from places import ROOT
from toy_codec import ToyCodec

import jndlic
from jndlic import shipped_weights
from jndlic.codecs.ours import JndlicSession
from jndlic.errors import FormatError, ImageError, JndlicError, ParameterError, UnsupportedError
from jndlic.format.container import Container, pack, unpack
from jndlic.format.entropy import ideal_bits
from jndlic.format.segments import encode_planes
from jndlic.format.symbols import SYMBOL_LIMIT
from jndlic.images.picture import from_array
from jndlic.jnd.models import tolerance_map
from jndlic.jnd.own_map import own_map
from jndlic.network.codec import Codec
from jndlic.pipeline import analyse_picture
from jndlic.runtime import load as weights


@pytest.fixture(scope="module")
def toy() -> ToyCodec:
    return ToyCodec()


def photo(height: int, width: int) -> np.ndarray:
    """Something smooth with an edge and a little noise."""
    rows, columns = np.mgrid[0:height, 0:width]
    base = 128 + 90 * np.sin(rows / 40) + 40 * (columns > width // 2)
    noise = np.random.default_rng(0).normal(0, 4, (height, width, 3))
    return np.clip(base[..., None] + noise + [0, 10, -20], 0, 255).astype(np.uint8)


def other_codec() -> ToyCodec:
    other = ToyCodec()
    other.name, other.fingerprint = "later", b"\0" * 8
    return other


SIZES = [(1, 1), (7, 1), (1, 7), (63, 65), (64, 64), (257, 131), (1, 5000), (5000, 1), (1030, 70)]


@pytest.mark.parametrize("size", SIZES)
def test_any_size(size: tuple[int, int], toy: ToyCodec) -> None:
    pixels = photo(*size)
    image = jndlic.decode(jndlic.encode(pixels, 100, codec=toy), codec=toy)
    assert image.size == size[::-1] and image.mode == "RGB"
    corners = [(top, left) for top in range(0, size[0], 16) for left in range(0, size[1], 16)]
    blocks = [pixels[top : top + 16, left : left + 16] for top, left in corners]
    spread = max(float(np.abs(block - block.mean((0, 1))).mean()) for block in blocks)
    assert np.abs(np.asarray(image).astype(float) - pixels).mean() < spread + 20


@pytest.mark.parametrize("level", [0, 77, 255])
def test_constant_pictures(level: int, toy: ToyCodec) -> None:
    pixels = np.full((150, 90, 3), level, dtype=np.uint8)
    decoded = np.asarray(jndlic.decode(jndlic.encode(pixels, 100, codec=toy), codec=toy))
    np.testing.assert_array_equal(decoded, pixels)


def test_the_file_is_the_symbols(toy: ToyCodec) -> None:
    """Its size is their information content and a frame of a hundred bytes."""
    pixels = photo(300, 400)
    symbols = toy.quantise(toy.analyse(pixels, tolerance_map(pixels)), 60)
    data = jndlic.encode(photo(300, 400), 60, codec=toy)
    channel = [np.repeat(np.arange(len(z)), z[0].size) for z in (symbols.z_jnd, symbols.z)]
    bits = (
        ideal_bits(symbols.k.ravel(), symbols.t.ravel(), toy.tables_latent)
        + ideal_bits(symbols.z.ravel(), channel[1], toy.tables_z)
        + ideal_bits(symbols.z_jnd.ravel(), channel[0], toy.tables_z_jnd)
    )
    assert bits / 8 < len(data) < bits / 8 + 100


def test_images_arrays_and_paths_are_the_same(toy: ToyCodec, tmp_path: Path) -> None:
    pixels = photo(50, 60)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    files = [
        jndlic.encode(image, 40, codec=toy)
        for image in (pixels, Image.fromarray(pixels), path, str(path))
    ]
    assert len(set(files)) == 1


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "I;16", "CMYK"])
def test_modes(mode: str, toy: ToyCodec) -> None:
    colour = Image.fromarray(photo(40, 50))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(colour.convert("L")).astype(np.uint16) * 257)
    else:
        image = colour.convert(mode)
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(photo(40, 50)[..., 0]))
    decoded = jndlic.decode(jndlic.encode(image, 95, codec=toy), codec=toy)
    assert decoded.mode == {"P": "RGB", "1": "L", "CMYK": "RGB"}.get(mode, mode)
    if mode.endswith("A"):
        np.testing.assert_array_equal(np.asarray(decoded)[..., -1], photo(40, 50)[..., 0])


def test_metadata_survives(toy: ToyCodec) -> None:
    image = Image.fromarray(photo(20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    icc = bytes(16) + b"RGB " + bytes(50)
    image.info.update(icc_profile=icc, exif=exif.tobytes(), xmp=b"<x/>")
    decoded = jndlic.decode(jndlic.encode(image, codec=toy), codec=toy)
    assert decoded.info == image.info
    assert decoded.getexif()[0x0112] == 6
    assert decoded.size == (20, 20)


@pytest.mark.parametrize("quality", [0, 101, -1, 50.0, "50", True, np.bool_(True)])
def test_wrong_quality(quality: object, toy: ToyCodec) -> None:
    with pytest.raises(ParameterError, match="quality"):
        jndlic.encode(photo(5, 5), quality, codec=toy)


def test_numpy_quality(toy: ToyCodec) -> None:
    assert jndlic.info(jndlic.encode(photo(5, 5), np.int64(7), codec=toy))["quality"] == 7


def test_wrong_arguments(toy: ToyCodec, tmp_path: Path) -> None:
    good = jndlic.encode(photo(5, 5), codec=toy)
    with pytest.raises(ParameterError):
        jndlic.encode([[1, 2], [3, 4]], codec=toy)
    with pytest.raises(ImageError):
        jndlic.encode(np.zeros((5, 5, 3)), codec=toy)
    with pytest.raises(FileNotFoundError):
        jndlic.encode(tmp_path / "nothing.png", codec=toy)
    for wrong in (5, None, [good]):
        with pytest.raises(ParameterError):
            jndlic.decode(wrong, codec=toy)
        with pytest.raises(ParameterError):
            jndlic.info(wrong)
    for codec in ("cuda", 5, ToyCodec):
        with pytest.raises(ParameterError, match="load_codec"):
            jndlic.encode(photo(5, 5), codec=codec)
        with pytest.raises(ParameterError, match="load_codec"):
            jndlic.decode(good, codec=codec)
    for limit in ("9", 1e9, True):
        with pytest.raises(ParameterError, match="area_max"):
            jndlic.decode(good, codec=toy, area_max=limit)
    for threads in (0, -1, 1.5, True, "1"):
        with pytest.raises(ParameterError, match="threads"):
            jndlic.decode(good, codec=toy, threads=threads)
    assert jndlic.decode(bytearray(good), codec=toy) == jndlic.decode(memoryview(good), codec=toy)


def test_threads_are_restored(toy: ToyCodec) -> None:
    before = torch.get_num_threads()
    data = jndlic.encode(photo(5, 5), codec=toy, threads=before + 1)
    jndlic.decode(data, codec=toy, threads=np.int64(1))
    assert torch.get_num_threads() == before


def test_info(toy: ToyCodec) -> None:
    data = jndlic.encode(Image.fromarray(photo(1100, 90)).convert("LA"), 33, codec=toy)
    facts = jndlic.info(data)
    expected = {
        "version": 2,
        "width": 90,
        "height": 1100,
        "quality": 33,
        "grey": True,
        "alpha": True,
    }
    expected |= {"quality_plane": None, "depth": 8, "orientation": 1}
    assert {key: facts[key] for key in expected} == expected
    assert (facts["model"], facts["fingerprint"]) == ("toy", b"toycodec".hex())
    assert (facts["bytes"], facts["segments"]) == (len(data), 2)
    assert facts["bpp"] == pytest.approx(8 * len(data) / 90 / 1100)
    assert {chunk["tag"] for chunk in facts["chunks"]} == {"ALPH", "naMe"}
    assert set(facts["streams"]) == {"jnd", "hyper", "latent"}
    parts = [*facts["chunks"], *facts["streams"].values()]
    assert sum(part["bytes"] for part in parts) + facts["overhead_bytes"] == len(data)


def test_the_name_of_shipped_weights_follows_from_their_fingerprint(
    toy: ToyCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = jndlic.encode(photo(5, 5), codec=toy)
    monkeypatch.setattr(
        shipped_weights, "shipped_name", lambda fingerprint: f"shipped {fingerprint.decode()}"
    )
    data = jndlic.encode(photo(5, 5), codec=toy)
    assert len(data) == len(named) - len("toy") - 10  # a chunk and the number of chunks
    assert (jndlic.info(named)["model"], jndlic.info(data)["model"]) == ("toy", "shipped toycodec")
    with pytest.raises(UnsupportedError, match="other weights"):
        jndlic.decode(data, codec=other_codec())


def test_shipped_weights_are_known_by_their_fingerprint(codec: Codec) -> None:
    assert shipped_weights.shipped_name(codec.fingerprint) == shipped_weights.DEFAULT_WEIGHTS
    assert shipped_weights.shipped_name(bytes(8)) == ""


# Quality planes


def test_a_map_acts_in_its_place_alone(toy: ToyCodec) -> None:
    pixels = photo(200, 300)
    other = own_map(pixels)
    plain = jndlic.encode(pixels, 60, codec=toy)
    assert jndlic.encode(pixels, 60, codec=toy, jnd=other) == plain
    other[64:128, 96:192] *= 1.5
    data = jndlic.encode(pixels, 60, codec=toy, jnd=other)
    facts = jndlic.info(data)
    assert facts["quality"] == 60 == facts["quality_plane"]["max"] > facts["quality_plane"]["min"]
    assert facts["quality_plane"]["min"] < facts["quality_plane"]["mean"] < 60
    before, after = (
        np.asarray(jndlic.decode(file, codec=toy)).astype(int) for file in (plain, data)
    )
    inside = np.zeros(before.shape[:2], bool)
    inside[64:128, 96:192] = True
    np.testing.assert_array_equal(before[~inside], after[~inside])
    assert np.abs(after - pixels)[inside].mean() > np.abs(before - pixels)[inside].mean()


def test_the_whole_map_moves_the_whole_quality(toy: ToyCodec) -> None:
    pixels = photo(200, 300)
    own = own_map(pixels)
    qualities = []
    for factor in (0.25, 0.5, 1, 2, 4):
        facts = jndlic.info(jndlic.encode(pixels, 90, codec=toy, jnd=own * factor))
        assert facts["quality_plane"] is None
        qualities.append(facts["quality"])
    # Steps of 1 (there is no smaller one), 1.75, 3.5, 7 and 14
    assert qualities == [100, 97, 90, 76, 48]


@pytest.mark.parametrize("value", [0, 1, 1e-30, 3e38, 1e300])
def test_extreme_maps(value: float, toy: ToyCodec) -> None:
    pixels = photo(100, 90)
    data = jndlic.encode(pixels, 50, codec=toy, jnd=np.full((100, 90), value))
    plane = jndlic.info(data)["quality_plane"]
    quality = (plane["min"], plane["max"]) if plane else (jndlic.info(data)["quality"],) * 2
    assert quality == (1, 1) if value > 1e6 else quality[0] > 50
    jndlic.decode(data, codec=toy)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_maps_that_are_none(value: float, toy: ToyCodec) -> None:
    jnd = np.full((10, 12), 5.0)
    jnd[3, 4] = value
    with pytest.raises(ParameterError, match="JND map"):
        jndlic.encode(photo(10, 12), codec=toy, jnd=jnd)


def test_a_session_is_steered_too(toy: ToyCodec) -> None:
    pixels = photo(90, 150)
    jnd = own_map(pixels)
    jnd[:40] *= 3
    picture = from_array(pixels)
    session = JndlicSession(picture, toy, analyse_picture(picture, toy, jnd))
    data = session.encode(70)
    assert data == jndlic.encode(pixels, 70, codec=toy, jnd=jnd)
    np.testing.assert_array_equal(session.view(70), session.decode(data))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation: int, toy: ToyCodec) -> None:
    """The decoder turns what it decoded, alpha included, as Pillow turns a picture with that
    orientation.
    """
    container = unpack(
        jndlic.encode(Image.fromarray(np.dstack((photo(40, 70), photo(40, 70)[..., 0]))), codec=toy)
    )
    as_coded = jndlic.decode(pack(container), codec=toy)
    data = pack(replace(container, header=replace(container.header, orientation=orientation)))
    as_coded.getexif()[0x0112] = orientation
    expected = ImageOps.exif_transpose(as_coded)
    np.testing.assert_array_equal(np.asarray(jndlic.decode(data, codec=toy)), np.asarray(expected))
    assert jndlic.info(data)["orientation"] == orientation


def test_other_weights_are_refused(toy: ToyCodec) -> None:
    data = jndlic.encode(photo(5, 5), codec=toy)
    with pytest.raises(UnsupportedError, match="toy.*later"):
        jndlic.decode(data, codec=other_codec())


def test_area_limit(toy: ToyCodec) -> None:
    data = jndlic.encode(photo(20, 30), codec=toy)
    with pytest.raises(FormatError, match="limit"):
        jndlic.decode(data, codec=toy, area_max=599)


def test_bad_files_fail_before_the_weights_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(weights, "load_codec", load)
    with pytest.raises(FormatError):
        jndlic.decode(b"no file")


# Damage


def parts_of(container: Container) -> dict[str | bytes, bytes]:
    """Streams by field and chunks by tag; `replaced` takes the same names."""
    segments = {f"segment {number}": stream for number, stream in enumerate(container.segments)}
    return {"jnd": container.jnd, "hyper": container.hyper, **segments, **dict(container.chunks)}


def replaced(container: Container, name: str | bytes, data: bytes) -> bytes:
    """The file with another stream or payload, all CRCs right."""
    parts = parts_of(container) | {name: data}
    chunks = tuple((tag, parts[tag]) for tag, _ in container.chunks)
    segments = tuple(parts[f"segment {number}"] for number in range(len(container.segments)))
    return pack(
        replace(container, jnd=parts["jnd"], hyper=parts["hyper"], segments=segments, chunks=chunks)
    )


def test_random_mutations(toy: ToyCodec) -> None:
    data = jndlic.encode(Image.fromarray(photo(90, 1100)).convert("RGBA"), codec=toy)
    random = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(data)
        for _ in range(random.integers(1, 4)):
            damaged[random.integers(len(damaged))] ^= int(random.integers(1, 256))
        if random.random() < 0.3:
            del damaged[random.integers(len(damaged)) :]
        with pytest.raises(JndlicError):
            jndlic.decode(bytes(damaged), codec=toy)


def test_mutations_with_right_checksums(toy: ToyCodec) -> None:
    """What the CRCs of chunks cannot see, the decoder must survive and the CRC of the symbols must
    catch.
    """
    pixels = photo(90, 1100)
    jnd = own_map(pixels)
    jnd[:, 500:] *= np.linspace(0.5, 1.5, 600, dtype=np.float32)[:, None]
    container = unpack(jndlic.encode(pixels, 80, codec=toy, jnd=jnd))
    random = np.random.default_rng(1)
    parts = {name: payload for name, payload in parts_of(container).items() if name != b"naMe"}
    assert {"jnd", "hyper", "segment 0", "segment 1", b"QPLN"} == set(parts)
    for name, payload in parts.items():
        for _ in range(60):
            damaged = bytearray(payload)
            for _ in range(random.integers(1, 4)):
                damaged[random.integers(len(damaged))] ^= int(random.integers(1, 256))
            if random.random() < 0.3:
                del damaged[random.integers(len(damaged)) :]
            if random.random() < 0.2:
                damaged += random.bytes(5)
            if bytes(damaged) == payload:
                continue
            with pytest.raises(FormatError):
                jndlic.decode(replaced(container, name, bytes(damaged)), codec=toy)


def test_a_wrong_symbol_crc_is_an_error(toy: ToyCodec) -> None:
    container = unpack(jndlic.encode(photo(20, 20), codec=toy))
    wrong = replace(container, symbol_crc=container.symbol_crc ^ 1)
    with pytest.raises(FormatError, match="CRC"):
        jndlic.decode(pack(wrong), codec=toy)


def test_a_small_file_that_claims_a_huge_picture(toy: ToyCodec) -> None:
    container = unpack(jndlic.encode(photo(20, 20), codec=toy))
    huge = replace(container.header, width=16384, height=16384)
    start = time.process_time()
    with pytest.raises(FormatError):
        jndlic.decode(
            pack(replace(container, header=huge, segments=container.segments * 256)), codec=toy
        )
    assert time.process_time() - start < 2


def test_extreme_symbols_give_a_picture_or_our_error(toy: ToyCodec) -> None:
    container = unpack(jndlic.encode(photo(20, 20), codec=toy))
    z = np.full((3, 1, 1), SYMBOL_LIMIT, dtype=np.int32)
    with pytest.raises(FormatError):
        jndlic.decode(replaced(container, "hyper", encode_planes(z, toy.tables_z)), codec=toy)


def test_symbols_that_drive_the_network_to_infinity(
    toy: ToyCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = jndlic.encode(photo(4, 5), codec=toy)
    values = np.zeros((64, 64, 3), np.float32)
    values[:, :5] = np.array([np.nan, np.inf, -np.inf, 300.0, 99.5], np.float32)[:, None]
    draw = ToyCodec.draw
    monkeypatch.setattr(
        ToyCodec, "draw", lambda *arguments: ((area, values) for area, _ in draw(*arguments))
    )
    decoded = np.asarray(jndlic.decode(data, codec=toy))
    np.testing.assert_array_equal(decoded[0, :, 0], [0, 255, 0, 255, 100])


def test_an_alpha_plane_of_another_size(toy: ToyCodec) -> None:
    image = Image.fromarray(photo(20, 20)).convert("RGBA")
    image.putpixel((3, 3), (0, 0, 0, 0))
    container = unpack(jndlic.encode(image, codec=toy))
    with pytest.raises(FormatError, match="alpha"):
        jndlic.decode(
            replaced(container, b"ALPH", b"\1" + zlib.compress(bytes(399))[2:-4]), codec=toy
        )


def test_unknown_ancillary_chunks_are_skipped(toy: ToyCodec) -> None:
    container = unpack(jndlic.encode(photo(20, 20), codec=toy))
    more = replace(container, chunks=((b"noTe", b"hello"), *container.chunks))
    assert jndlic.decode(pack(more), codec=toy) == jndlic.decode(pack(container), codec=toy)


# The package


def test_the_package_offers_its_names() -> None:
    assert {"encode", "decode", "info", "FormatError"} <= set(dir(jndlic))
    with pytest.raises(AttributeError, match="nothing"):
        jndlic.nothing  # noqa: B018


def test_info_needs_neither_torch_nor_the_coder(toy: ToyCodec, tmp_path: Path) -> None:
    path = tmp_path / "photo.jlic"
    path.write_bytes(jndlic.encode(photo(20, 20), codec=toy))
    program = (
        "import sys, jndlic; jndlic.info(open(sys.argv[1], 'rb').read());"
        "sys.exit(bool({'torch', 'constriction', 'PIL'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, cwd=ROOT, timeout=60)
