"""Weights files: complete, checked, refused when damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from jndlic.errors import WeightsError
from jndlic.runtime.backend import Backend
from jndlic.runtime.load import load_codec, load_torch_codec
from jndlic.runtime.torch_backend import TorchBackend
from jndlic.runtime.weights_file import fingerprint
from jndlic.shipped_weights import DEFAULT_WEIGHTS, shipped_weights


@pytest.fixture(scope="module")
def shipped() -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with safe_open(shipped_weights(DEFAULT_WEIGHTS), "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def refuse(tensors: dict, metadata: dict, folder: Path, words: str) -> None:
    path = folder / "wrong.safetensors"
    save_file(tensors, path, metadata)
    with pytest.raises(WeightsError, match=words):
        load_codec(path, backend="torch")


def test_shipped_weights_load_once(codec: Backend, torch_codec: TorchBackend) -> None:
    assert load_codec() is load_codec() and load_torch_codec() is load_torch_codec()
    assert len(codec.fingerprint) == 8
    assert len(codec.tables_latent) == 64
    assert len(codec.tables_z) == torch_codec.network.config.hyper_channels
    assert not any(parameter.requires_grad for parameter in torch_codec.network.parameters())


def test_an_integer_that_changed_is_noticed(shipped: tuple, tmp_path: Path) -> None:
    tensors, metadata = shipped
    gain = tensors["step_net.gain"].clone()
    gain[49, 0] += 1
    refuse(tensors | {"step_net.gain": gain}, metadata, tmp_path, "fingerprint")


def test_an_overflowing_layer_is_refused(shipped: tuple, tmp_path: Path) -> None:
    tensors, metadata = shipped
    wrong = tensors | {"scale_net.layers.2.bias": tensors["scale_net.layers.2.bias"] + 2**24}
    refuse(
        wrong,
        metadata
        | {
            "fingerprint": fingerprint({name: value.numpy() for name, value in wrong.items()}).hex()
        },
        tmp_path,
        "2\\^24",
    )


def test_missing_and_misshapen_tensors(shipped: tuple, tmp_path: Path) -> None:
    tensors, metadata = shipped
    without = {name: value for name, value in tensors.items() if name != "analysis.stem.weight"}
    refuse(without, metadata, tmp_path, "missing")
    refuse(tensors | {"analysis.stem.bias": torch.zeros(3)}, metadata, tmp_path, "shape")
    refuse(
        tensors | {"analysis.stem.bias": tensors["analysis.stem.bias"].to(torch.int32)},
        metadata,
        tmp_path,
        "type",
    )


def test_other_formats(shipped: tuple, tmp_path: Path) -> None:
    tensors, metadata = shipped
    refuse(tensors, metadata | {"format": "other"}, tmp_path, "format")
    refuse(tensors, metadata | {"config": "{"}, tmp_path, "configuration")


def test_no_file_and_no_safetensors(tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        load_codec(tmp_path / "absent.safetensors")
    path = tmp_path / "text.safetensors"
    path.write_text("not weights")
    with pytest.raises(WeightsError):
        load_codec(path)
