"""Pictures to bytes and back, with a codec of a few lines: what the calls promise whatever the network does."""

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
from PIL import Image
from toy_codec import ToyCodec

import jndlic
from jndlic import weights
from jndlic.errors import FormatError, ImageError, JndlicError, ParameterError, UnsupportedError
from jndlic.jnd.pixel import jnd_map
from jndlic.stream.container import Container, pack, unpack
from jndlic.stream.entropy import ideal_bits
from jndlic.stream.segments import SYMBOL_LIMIT, encode_planes

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def toy() -> ToyCodec:
    return ToyCodec()


def photo(height: int, width: int) -> np.ndarray:
    """Something smooth with an edge and a little noise."""
    rows, columns = np.mgrid[0:height, 0:width]
    base = 128 + 90 * np.sin(rows / 40) + 40 * (columns > width // 2)
    noise = np.random.default_rng(0).normal(0, 4, (height, width, 3))
    return np.clip(base[..., None] + noise + [0, 10, -20], 0, 255).astype(np.uint8)


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
    pixels = torch.from_numpy(photo(300, 400)).permute(2, 0, 1)[None].float()
    symbols = toy.quantise(toy.analyse(pixels, jnd_map(pixels)), 60)
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
    files = [jndlic.encode(image, 40, codec=toy) for image in (pixels, Image.fromarray(pixels), path, str(path))]
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
    assert decoded.mode == {"P": "RGB", "1": "L", "I;16": "L", "CMYK": "RGB"}.get(mode, mode)
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


@pytest.mark.parametrize("quality", [0, 101, -1, 50.0, "50", None])
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
    for wrong in ("text", 5, None, Path("file.jlic")):
        with pytest.raises(ParameterError):
            jndlic.decode(wrong, codec=toy)
        with pytest.raises(ParameterError):
            jndlic.info(wrong)
    for threads in (0, -1, 1.5):
        with pytest.raises(ParameterError, match="threads"):
            jndlic.decode(good, codec=toy, threads=threads)
    assert jndlic.decode(bytearray(good), codec=toy) == jndlic.decode(memoryview(good), codec=toy)


def test_threads_are_restored(toy: ToyCodec) -> None:
    before = torch.get_num_threads()
    data = jndlic.encode(photo(5, 5), codec=toy, threads=before + 1)
    jndlic.decode(data, codec=toy, threads=1)
    assert torch.get_num_threads() == before


def test_info(toy: ToyCodec) -> None:
    data = jndlic.encode(Image.fromarray(photo(1100, 90)).convert("LA"), 33, codec=toy)
    facts = jndlic.info(data)
    expected = {"version": 1, "width": 90, "height": 1100, "quality": 33, "grey": True, "alpha": True}
    assert {key: facts[key] for key in expected} == expected
    assert (facts["model"], facts["fingerprint"]) == ("toy", b"toycodec".hex())
    assert (facts["bytes"], facts["segments"]) == (len(data), 2)
    assert facts["bpp"] == pytest.approx(8 * len(data) / 90 / 1100)
    assert {chunk["tag"] for chunk in facts["chunks"]} == {"JNDS", "HYPR", "LIDX", "LATN", "ALPH"}
    assert sum(chunk["bytes"] for chunk in facts["chunks"]) + facts["overhead_bytes"] == len(data)
    assert set(facts["streams"]) == {"jnd", "hyper", "latent"}


def test_other_weights_are_refused(toy: ToyCodec) -> None:
    data = jndlic.encode(photo(5, 5), codec=toy)
    other = ToyCodec()
    other.name, other.fingerprint = "later", b"\0" * 8
    with pytest.raises(UnsupportedError, match="toy.*later"):
        jndlic.decode(data, codec=other)


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


def repacked(container: Container, tag: bytes, payload: bytes) -> bytes:
    """The file with another payload in one chunk, all CRCs right."""
    chunks = tuple((name, payload if name == tag else old) for name, old in container.chunks)
    return pack(Container(container.header, chunks, container.symbol_crc))


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
    """What the CRCs of chunks cannot see, the decoder must survive and the CRC of the symbols must catch."""
    container = unpack(jndlic.encode(photo(90, 1100), 80, codec=toy))
    random = np.random.default_rng(1)
    for tag, payload in container.chunks:
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
                jndlic.decode(repacked(container, tag, bytes(damaged)), codec=toy)


def test_a_wrong_symbol_crc_is_an_error(toy: ToyCodec) -> None:
    container = unpack(jndlic.encode(photo(20, 20), codec=toy))
    wrong = Container(container.header, container.chunks, container.symbol_crc ^ 1)
    with pytest.raises(FormatError, match="CRC"):
        jndlic.decode(pack(wrong), codec=toy)


def test_a_small_file_that_claims_a_huge_picture(toy: ToyCodec) -> None:
    container = unpack(jndlic.encode(photo(20, 20), codec=toy))
    huge = replace(container.header, width=16384, height=16384)
    start = time.process_time()
    with pytest.raises(FormatError):
        jndlic.decode(pack(Container(huge, container.chunks, container.symbol_crc)), codec=toy)
    assert time.process_time() - start < 2


def test_extreme_symbols_give_a_picture_or_our_error(toy: ToyCodec) -> None:
    container = unpack(jndlic.encode(photo(20, 20), codec=toy))
    z = np.full((3, 1, 1), SYMBOL_LIMIT, dtype=np.int32)
    with pytest.raises(FormatError):
        jndlic.decode(repacked(container, b"HYPR", encode_planes(z, toy.tables_z)), codec=toy)


def test_symbols_that_drive_the_network_to_infinity(toy: ToyCodec, monkeypatch: pytest.MonkeyPatch) -> None:
    data = jndlic.encode(photo(4, 5), codec=toy)
    values = torch.tensor([np.nan, np.inf, -np.inf, 300.0, 99.5]).expand(1, 3, 4, 5)
    monkeypatch.setattr(ToyCodec, "synthesise", lambda *_: values)
    decoded = np.asarray(jndlic.decode(data, codec=toy))
    np.testing.assert_array_equal(decoded[0, :, 0], [0, 255, 0, 255, 100])


def test_an_alpha_plane_of_another_size(toy: ToyCodec) -> None:
    image = Image.fromarray(photo(20, 20)).convert("RGBA")
    image.putpixel((3, 3), (0, 0, 0, 0))
    container = unpack(jndlic.encode(image, codec=toy))
    with pytest.raises(FormatError, match="alpha"):
        jndlic.decode(repacked(container, b"ALPH", b"\1" + zlib.compress(bytes(399))), codec=toy)


def test_unknown_ancillary_chunks_are_skipped(toy: ToyCodec) -> None:
    container = unpack(jndlic.encode(photo(20, 20), codec=toy))
    more = Container(container.header, ((b"noTe", b"hello"), *container.chunks), container.symbol_crc)
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
