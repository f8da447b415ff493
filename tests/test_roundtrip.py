"""From picture to file and back through the API, with real weights: sizes, modes, damage, hostile
files, rate.
"""

from __future__ import annotations

import dataclasses
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from places import SHARED

torch = pytest.importorskip("torch")

from jndlic import api
from jndlic.errors import (
    FormatError,
    ImageError,
    JndlicError,
    ParameterError,
    UnsupportedError,
)
from jndlic.format.coding import pack_symbols, unpack_symbols
from jndlic.format.container import Header, pack, unpack
from jndlic.format.entropy import ideal_bits
from jndlic.format.grid import segment_count
from jndlic.format.phases import PHASES, to_phases
from jndlic.format.symbols import Symbols, WholeSymbols
from jndlic.images.picture import from_array
from jndlic.jnd.models import tolerance_map
from jndlic.pipeline import encode_picture
from jndlic.runtime.backend import Backend
from jndlic.shipped_weights import DEFAULT_WEIGHTS

KODAK = sorted((SHARED / "data" / "kodak").glob("*.png"))


def scene(height: int, width: int) -> np.ndarray:
    """Something like a photo: slopes, an edge, some texture."""
    random = np.random.default_rng(height * 10007 + width)
    row, column = np.mgrid[:height, :width].astype(float)
    light = 90 + 60 * np.sin(row / 37) * np.cos(column / 53) + 50 * (row + 2 * column > height)
    texture = random.normal(size=(height, width)) * 6 * (column > width / 2)
    colour = np.stack((light + texture, 0.9 * light + 10, 0.6 * light + 40 - texture), axis=-1)
    return np.clip(colour, 0, 255).astype(np.uint8)


def symbols_of(pixels: np.ndarray, quality: int, codec: Backend) -> Symbols:
    """What the encoder finds, taken straight from the network."""
    return codec.quantise(codec.analyse(pixels, tolerance_map(pixels)), quality)


def remade(data: bytes, **fields: object) -> bytes:
    """The file with other fields of the header, as many segments as they ask for, and right
    CRCs.
    """
    container = unpack(data)
    header = dataclasses.replace(container.header, **fields)
    segments = (container.segments[0],) * header.segments
    return pack(dataclasses.replace(container, header=header, segments=segments))


def with_part(data: bytes, name: str, part: bytes) -> bytes:
    """The file with another stream ("jnd", "hyper", "latent") or alpha plane ("ALPH"), and right
    CRCs.
    """
    container = unpack(data)
    changes = {
        "jnd": {"jnd": part},
        "hyper": {"hyper": part},
        "latent": {"segments": (part,)},
        "ALPH": {
            "chunks": tuple(
                (tag, part if tag == b"ALPH" else payload) for tag, payload in container.chunks
            )
        },
    }
    return pack(dataclasses.replace(container, **changes[name]))


@pytest.fixture(scope="module")
def small_file(codec: Backend) -> bytes:
    picture = from_array(np.dstack((scene(70, 90), np.full((70, 90), 99, np.uint8))))
    picture.exif = b"II*\0"
    return encode_picture(picture, 40, codec)


SIZES = [
    (1, 1),
    (1, 7),
    (7, 1),
    (65, 63),
    (131, 257),
    (1, 5000),
    (2100, 3),
    (64, 64),
    (80, 1040),
    (1040, 80),
    (1090, 1090),
]


@pytest.mark.parametrize("size", SIZES)
def test_any_size(codec: Backend, size: tuple[int, int]) -> None:
    """Also several segments in a row, in a column, and in both."""
    pixels = scene(*size)
    data = api.encode(pixels, 60, codec=codec, patches=False)
    container = unpack(data)
    decoded = unpack_symbols(container, codec).symbols
    for ours, theirs in zip(decoded, symbols_of(pixels, 60, codec), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    segments = segment_count(*size)
    assert api.info(data)["segments"] == segments
    assert len(container.segments) == segments
    image = api.decode(data, codec=codec)
    assert image.mode == "RGB" and image.size == size[::-1]
    assert np.abs(np.asarray(image).astype(int) - pixels).mean() < 12


@pytest.mark.parametrize("level", [0, 1, 127, 255])
def test_constant_pictures(codec: Backend, level: int) -> None:
    data = api.encode(np.full((96, 100, 3), level, np.uint8), 50, codec=codec, patches=False)
    image = np.asarray(api.decode(data, codec=codec)).astype(int)
    assert np.abs(image - level).mean() < 8
    assert len(data) < 1500


@pytest.mark.parametrize("quality", [1, 100])
def test_noise(codec: Backend, quality: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (100, 120, 3), dtype=np.uint8)
    data = api.encode(pixels, quality, codec=codec, patches=False)
    assert api.decode(data, codec=codec).size == (120, 100)
    decoded = unpack_symbols(unpack(data), codec).symbols
    np.testing.assert_array_equal(decoded.k, symbols_of(pixels, quality, codec).k)


def test_quality_costs_bytes_and_lowers_the_error(codec: Backend) -> None:
    pixels = scene(192, 256)
    sizes, errors = [], []
    for quality in (1, 30, 60, 100):
        data = api.encode(pixels, quality, codec=codec)
        sizes.append(len(data))
        errors.append(
            np.square(np.asarray(api.decode(data, codec=codec)).astype(float) - pixels).mean()
        )
    assert sizes == sorted(sizes) and len(set(sizes)) == 4
    assert errors[-1] < errors[0]


def test_encoding_and_decoding_are_repeatable(codec: Backend) -> None:
    pixels = scene(100, 90)
    data = api.encode(pixels, 50, codec=codec)
    assert api.encode(pixels, 50, codec=codec) == data
    first, second = (np.asarray(api.decode(data, codec=codec)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_kinds_of_input(codec: Backend, tmp_path: Path) -> None:
    pixels = scene(40, 50)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    expected = api.encode(pixels, 50, codec=codec)
    assert api.encode(Image.fromarray(pixels), np.int64(50), codec=codec) == expected
    assert api.encode(tmp_path / "picture.png", 50, codec=codec) == expected
    assert api.encode(str(tmp_path / "picture.png"), codec=codec) == expected
    assert api.decode(memoryview(expected), codec=codec).size == (50, 40)
    for quality in (0, 101, -5, 50.0, "50"):
        with pytest.raises(ParameterError):
            api.encode(pixels, quality, codec=codec)
    with pytest.raises(ImageError):
        api.encode(pixels.astype(np.float32), 50, codec=codec)
    with pytest.raises(ParameterError):
        api.encode(pixels.tolist(), 50, codec=codec)
    with pytest.raises(FileNotFoundError):
        api.decode("picture.jlic", codec=codec)


def test_threads_are_limited_for_the_call_only(codec: Backend) -> None:
    before = torch.get_num_threads()
    data = api.encode(scene(64, 64), 50, codec=codec, threads=1)
    assert data == api.encode(scene(64, 64), 50, codec=codec, threads=2)
    api.decode(data, codec=codec, threads=1)
    assert torch.get_num_threads() == before
    with pytest.raises(ParameterError):
        api.encode(scene(8, 8), 50, codec=codec, threads=0)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_modes_and_alpha(codec: Backend, mode: str) -> None:
    original = Image.fromarray(scene(50, 60)).convert(mode)
    alpha = Image.fromarray(np.add.outer(np.arange(50), 3 * np.arange(60)).astype(np.uint8))
    if mode.endswith("A"):
        original.putalpha(alpha)
    data = api.encode(original, 70, codec=codec)
    decoded = api.decode(data, codec=codec)
    facts = api.info(data)
    assert (
        decoded.mode == mode
        and facts["grey"] == mode.startswith("L")
        and facts["alpha"] == mode.endswith("A")
    )
    if mode.endswith("A"):
        assert decoded.getchannel("A").tobytes() == alpha.tobytes()  # without loss
    error = np.asarray(decoded.convert("RGB")).astype(int) - np.asarray(original.convert("RGB"))
    assert np.abs(error).mean() < 12


def test_metadata(codec: Backend) -> None:
    image = Image.fromarray(scene(30, 40))
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 6
    image.info["exif"] = exif.tobytes()
    image.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.info["xmp"] = b"<x:xmpmeta/>"
    decoded = api.decode(api.encode(image, 50, codec=codec), codec=codec)
    assert decoded.size == (40, 30)  # the orientation is kept, not applied
    assert dict(decoded.getexif()) == dict(exif)
    assert decoded.info["icc_profile"] == image.info["icc_profile"]
    assert decoded.info["xmp"] == image.info["xmp"]


def test_info_adds_up(codec: Backend, small_file: bytes) -> None:
    facts = api.info(small_file)
    parts = sum(part["bytes"] for part in (*facts["chunks"], *facts["streams"].values()))
    assert facts["bytes"] == len(small_file) == facts["overhead_bytes"] + parts
    assert (facts["width"], facts["height"], facts["quality"]) == (90, 70, 40)
    assert facts["model"] == DEFAULT_WEIGHTS and facts["fingerprint"] == codec.fingerprint.hex()
    assert facts["bpp"] == pytest.approx(8 * len(small_file) / 6300)
    assert set(facts["streams"]) == {"jnd", "hyper", "latent"}


def test_random_mutations(codec: Backend, small_file: bytes) -> None:
    random = np.random.default_rng(0)
    start = time.perf_counter()
    for _ in range(100):
        damaged = bytearray(small_file)
        for _ in range(random.integers(1, 4)):
            damaged[random.integers(len(damaged))] ^= 1 << random.integers(8)
        if random.random() < 0.3:
            del damaged[random.integers(len(damaged)) :]
        if bytes(damaged) != small_file:
            with pytest.raises((FormatError, UnsupportedError)):
                api.decode(bytes(damaged), codec=codec)
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize("name", ["jnd", "hyper", "latent", "ALPH"])
def test_random_mutations_behind_right_checksums(
    codec: Backend, small_file: bytes, name: str
) -> None:
    """Damage that no CRC reveals reaches the entropy decoder and the networks."""
    random = np.random.default_rng(len(name))
    container = unpack(small_file)
    streams = {"jnd": container.jnd, "hyper": container.hyper, "latent": container.segments[0]}
    original = container.payload(b"ALPH") if name == "ALPH" else streams[name]
    intact = np.asarray(api.decode(small_file, codec=codec))
    for _ in range(25):
        payload = bytearray(original)
        for _ in range(random.integers(1, 4)):
            payload[random.integers(len(payload))] ^= 1 << random.integers(8)
        if random.random() < 0.4:
            del payload[random.integers(len(payload)) :]
        elif random.random() < 0.2:
            payload += random.bytes(20)
        if payload == original:
            continue
        data = with_part(small_file, name, bytes(payload))
        if name == "ALPH" and payload[:1] == b"\0" and len(payload) == 2:
            # A constant plane is one byte, which the CRC of the chunk alone protects.
            np.testing.assert_array_equal(
                np.asarray(api.decode(data, codec=codec))[..., :3], intact[..., :3]
            )
            continue
        with pytest.raises(FormatError):
            api.decode(data, codec=codec)


def test_other_header_fields_behind_right_checksums(codec: Backend, small_file: bytes) -> None:
    """The symbols belong to one quality and one padded size."""
    changes = (
        ("quality", 41),
        ("quality", 100),
        ("width", 150),
        ("height", 64),
        ("width", 2**20),
        ("height", 4000),
    )
    for name, value in changes:
        with pytest.raises(FormatError):
            api.decode(remade(small_file, **{name: value}), codec=codec)
    with pytest.raises(FormatError, match="CRC"):
        container = unpack(small_file)
        unpack_symbols(dataclasses.replace(container, symbol_crc=container.symbol_crc ^ 1), codec)


def test_other_weights(codec: Backend, small_file: bytes) -> None:
    with pytest.raises(UnsupportedError, match="other weights"):
        api.decode(remade(small_file, fingerprint=b"12345678"), codec=codec)


def test_a_tiny_file_cannot_make_the_reader_allocate(codec: Backend, small_file: bytes) -> None:
    for width, height in (
        (65536, 65536),
        (2**20, 4096),
        (16384, 16384),
        (65536, 4096),
        (4096, 4096),
    ):
        # With as many segments, so that the streams are the first obstacle
        data = remade(small_file, width=width, height=height)
        tracemalloc.start()
        start = time.perf_counter()
        with pytest.raises(FormatError):
            api.decode(data, codec=codec)
        with pytest.raises(FormatError, match="too short"):
            api.decode(data, codec=codec, area_max=2**32)
        seconds = time.perf_counter() - start
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**24 and seconds < 20.0


def final_tables(codec: Backend, k: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The tables that a decoder uses for these symbols, of one segment."""
    used, chosen, symbols = t.copy(), to_phases(t), to_phases(k)
    for phase, (row, column) in enumerate(PHASES):
        used[:, row::2, column::2] = codec.refine(phase, chosen, symbols[:phase])
    return used


@pytest.mark.parametrize("value", [2**20, -(2**20), 127, 1000])
def test_extreme_symbols_decode_to_some_picture(codec: Backend, value: int) -> None:
    """A stranger's file may hold any symbols; the picture is then nonsense, but a picture."""
    z_jnd = np.full((len(codec.tables_z_jnd), 2, 2), value, np.int32)
    z = np.full((len(codec.tables_z), 1, 1), -value, np.int32)
    t, _ = codec.table_index(z_jnd, z, 100)
    k = np.full(t.shape, value, np.int32)
    header = Header(50, 40, 100, codec.fingerprint)
    symbols = Symbols(z_jnd, z, k, final_tables(codec, k, t))
    data = pack(pack_symbols(header, WholeSymbols(symbols), codec))
    assert api.decode(data, codec=codec).size == (50, 40)


def test_symbols_beyond_the_limit_are_refused(codec: Backend) -> None:
    symbols = symbols_of(scene(40, 50), 50, codec)
    symbols.k[0, 0, 0] = 2**20 + 1
    t, _ = codec.table_index(symbols.z_jnd, symbols.z, 50)
    symbols = symbols._replace(t=final_tables(codec, symbols.k, t))
    header = Header(50, 40, 50, codec.fingerprint)
    data = pack(pack_symbols(header, WholeSymbols(symbols), codec))
    with pytest.raises(FormatError, match="outside"):
        api.decode(data, codec=codec)


def information(symbols: Symbols, codec: Backend) -> float:
    """Sum of -log2 p of all symbols of a picture, in bytes."""
    bits = ideal_bits(symbols.k.ravel(), symbols.t.ravel(), codec.tables_latent)
    for plane, tables in ((symbols.z, codec.tables_z), (symbols.z_jnd, codec.tables_z_jnd)):
        bits += ideal_bits(plane.ravel(), np.repeat(np.arange(len(plane)), plane[0].size), tables)
    return bits / 8


@pytest.mark.parametrize(
    ("size", "quality"), [((768, 1024), 1), ((768, 1024), 20), ((256, 384), 50), ((256, 384), 100)]
)
def test_size_is_the_information_content(
    codec: Backend, size: tuple[int, int], quality: int
) -> None:
    pixels = scene(*size)
    data = api.encode(pixels, quality, codec=codec)
    assert len(data) <= 1.01 * information(unpack_symbols(unpack(data), codec).symbols, codec) + 64


@pytest.mark.skipif(not KODAK, reason="no ../shared/data/kodak")
@pytest.mark.parametrize("path", KODAK, ids=lambda path: path.stem)
def test_size_is_the_information_content_on_kodak(codec: Backend, path: Path) -> None:
    quality = 1 + 33 * (KODAK.index(path) % 4)  # 1, 34, 67, 100
    data = api.encode(path, quality, codec=codec)
    ideal = information(unpack_symbols(unpack(data), codec).symbols, codec)
    assert len(data) <= 1.01 * ideal + 64


def test_nothing_but_our_exceptions_from_random_bytes(codec: Backend) -> None:
    random = np.random.default_rng(5)
    for size in (0, 1, 10, 100, 5000):
        for head in (b"", b"\x89JLI", b"\x89JLI\x02", b"\x89JLI\x02\0\0\0"):
            with pytest.raises(JndlicError):
                api.decode(head + random.bytes(size), codec=codec)
