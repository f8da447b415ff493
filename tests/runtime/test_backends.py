"""ONNX Runtime and torch: the same symbols, files that both read, pixels that hardly differ."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from places import ROOT
from safetensors import safe_open
from safetensors.numpy import save_file

import jndlic
from jndlic.errors import ParameterError, WeightsError
from jndlic.jnd.own_map import own_map
from jndlic.network.hyperprior import table_index
from jndlic.runtime.backend import Backend
from jndlic.runtime.load import load_codec
from jndlic.runtime.onnx_backend import OnnxBackend
from jndlic.runtime.torch_backend import TorchBackend
from jndlic.shipped_weights import DEFAULT_WEIGHTS, shipped_weights

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # every import of it fails
import numpy as np
import jndlic
pixels = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
data = jndlic.encode(pixels, 40, jnd=np.full((70, 90), 9.0), patches=False)
print(jndlic.decode(data).size, jndlic.info(data)["quality"])
"""


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """Between two pictures in dB; equal ones count as 100."""
    error = float(np.mean((first.astype(float) - second) ** 2))
    return 10 * np.log10(255**2 / error) if error else 100.0


def test_the_default_is_the_light_one(codec: Backend) -> None:
    assert isinstance(codec, OnnxBackend)


@pytest.mark.parametrize("quality", [1, 35, 70, 100])
@pytest.mark.parametrize("size", [(1, 1), (64, 64), (65, 130), (200, 90)])
def test_same_symbols(
    codec: Backend,
    torch_codec: TorchBackend,
    photo: np.ndarray,
    size: tuple[int, int],
    quality: int,
) -> None:
    pixels = np.ascontiguousarray(photo[: size[0], 100 : 100 + size[1]])
    found = [
        each.quantise(each.analyse(pixels, own_map(pixels)), quality)
        for each in (codec, torch_codec)
    ]
    assert all(mine.dtype == theirs.dtype for mine, theirs in zip(*found))
    for mine, theirs in list(zip(*found))[:3]:
        # Two float libraries may round a latent that lies on a border to either side
        assert np.count_nonzero(mine != theirs) <= 1e-5 * mine.size + 2
        assert np.abs(mine - theirs).max() <= 1


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_each_reads_the_other(
    codec: Backend, torch_codec: TorchBackend, photo: np.ndarray, mode: str
) -> None:
    image = Image.fromarray(photo[:150, 40:300]).convert(mode)
    for writer in (codec, torch_codec):
        data = jndlic.encode(image, 60, codec=writer)
        first, second = (
            np.asarray(jndlic.decode(data, codec=reader)) for reader in (codec, torch_codec)
        )
        assert psnr(first, second) > 60.0


def test_a_plane_of_qualities(codec: Backend, torch_codec: TorchBackend, photo: np.ndarray) -> None:
    pixels = np.ascontiguousarray(photo[:128, :192])
    jnd = own_map(pixels)
    jnd[:, 96:] *= 3.0
    data = jndlic.encode(pixels, 60, jnd=jnd, codec=codec)
    assert jndlic.info(data)["quality_plane"]
    first, second = (np.asarray(jndlic.decode(data, codec=each)) for each in (codec, torch_codec))
    assert psnr(first, second) > 60.0


def floats(integers: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(integers)[None].float()


def test_integer_networks_agree_to_the_last_bit(codec: Backend, torch_codec: TorchBackend) -> None:
    random = np.random.default_rng(1)
    network = torch_codec.network
    z_jnd = random.integers(-300, 300, (16, 6, 10)).astype(np.int32)
    z = random.integers(-300, 300, (128, 3, 5)).astype(np.int32)
    plane = random.integers(1, 101, (6, 10))
    level = torch.from_numpy(plane)[None]
    step_index = network.step_net(floats(z_jnd), level)
    table = table_index(network.scale_net(floats(z), level), step_index)
    mine = codec.table_index(z_jnd, z, plane)
    assert np.array_equal(mine[0], table[0].numpy()) and np.array_equal(
        mine[1], step_index[0].numpy()
    )
    tables = [random.integers(0, 64, (416, 7, 9), dtype=np.uint8) for _ in range(4)]
    symbols = [random.integers(-30, 31, (416, 7, 9)).astype(np.int32) // 6 for _ in range(3)]
    for phase in range(1, 4):
        known = [floats(part) for part in tables], [floats(part) for part in symbols[:phase]]
        theirs = network.neighbours.refine(phase, network.scale_context(phase, *known), *known)
        assert np.array_equal(codec.refine(phase, tables, symbols[:phase]), theirs[0].numpy())
    np.testing.assert_allclose(codec.step_levels(), torch_codec.step_levels())


COMMANDS_WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from jndlic.__main__ import main
for words in (["encode", "a.png"], ["decode", "a.jlic", "-o", "b.png"], ["info", "a.jlic"]):
    sys.argv = ["jndlic", *words]
    assert main() == 0, words
for words in (["encode", "a.png", "-o", "c.jlic", "--jnd", "klt"], ["bench", "a.png"]):
    sys.argv = ["jndlic", *words]
    assert main() == 1, words
"""


def test_commands_without_torch(photo: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(photo[:40, :50]).save(tmp_path / "a.png")
    run = subprocess.run(
        [sys.executable, "-c", COMMANDS_WITHOUT_TORCH],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("jndlic[torch]") == 2
    assert Image.open(tmp_path / "b.png").size == (50, 40)


def test_without_torch() -> None:
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, timeout=300
    )
    assert run.stdout.split("\n")[0] == "(90, 70) 40", run.stderr


def test_wrong_choices() -> None:
    with pytest.raises(ParameterError, match="auto, onnx, torch"):
        load_codec(backend="tensorrt")
    with pytest.raises(ParameterError, match="cpu only"):
        load_codec(device="cuda", backend="onnx")
    with pytest.raises(ParameterError, match="abacus"):
        load_codec(device="abacus")


@pytest.fixture(scope="module")
def tensors() -> tuple[dict[str, np.ndarray], dict[str, str]]:
    with safe_open(shipped_weights(DEFAULT_WEIGHTS), "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def test_graphs_of_another_version(codec: OnnxBackend) -> None:
    pixels, jnd = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.float32)
    with pytest.raises(WeightsError, match="'analysis-fine' takes other inputs"):
        codec.run("analysis-fine", pixels, jnd)


def test_weights_without_graphs_run_by_torch(tensors: tuple, tmp_path: Path) -> None:
    path = tmp_path / "old.safetensors"
    kept = {name: value for name, value in tensors[0].items() if not name.startswith("graphs.")}
    save_file(kept, path, tensors[1])
    assert isinstance(load_codec(path), TorchBackend)
    with pytest.raises(WeightsError, match="export"):
        load_codec(path, backend="onnx")


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("analysis.stem.weight", None, "do not fit"),
        ("analysis.stem.bias", np.zeros(3, np.float16), "do not fit"),
        ("graphs.analysis-fine", np.zeros(9, np.uint8), "damaged"),
    ],
)
def test_damaged_float_networks(
    tensors: tuple, tmp_path: Path, name: str, change: np.ndarray | None, words: str
) -> None:
    path = tmp_path / "wrong.safetensors"
    changed = dict(tensors[0])
    if change is None:
        del changed[name]
    else:
        changed[name] = change
    save_file(changed, path, tensors[1])
    with pytest.raises(WeightsError, match=words):
        jndlic.encode(np.zeros((8, 8, 3), np.uint8), codec=load_codec(path, backend="onnx"))
