"""Weights files: one safetensors file holds float networks, integer networks, probability tables and sizes.

Layout (docs/weights.md): float parameters as float16 or float32 under their module names; integer parameters as int8,
int16 and int32; three sets of probability tables as `tables.SET.cdf` (16-bit cumulative counts, rows end to end),
`.lengths` and `.offsets`; metadata `format`, `name`, `config` (JSON), `fingerprint` and,
where it is known, `trained_on`: the metrics in the training loss, with commas between.

The fingerprint is the first 8 bytes of the SHA-256 of everything that entropy decoding depends on. A file names the
fingerprint it was written with, so no other weights ever try to read it.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from jndlic.errors import WeightsError
from jndlic.format.entropy import SymbolTables, tables_from_cdfs
from jndlic.network.codec import Codec
from jndlic.network.config import CodecConfig
from jndlic.network.hyperprior import TABLE_COUNT
from jndlic.network.integer import IntegerConv2d
from jndlic.network.rdoq import MAGNITUDES
from jndlic.shipped_weights import DEFAULT_WEIGHTS, SUFFIX, shipped_weights

FORMAT = "jndlic-weights-2"
FINGERPRINT_BYTES = 8
TABLE_SETS = {"latent": "tables_latent", "z": "tables_z", "z_jnd": "tables_z_jnd"}
INTEGER_PREFIXES = ("scale_net.", "step_net.", "scale_context.", "neighbours.", "tables.")


def fingerprint(tensors: dict[str, Tensor]) -> bytes:
    """First 8 bytes of the SHA-256 over the integer tensors.

    Args:
        tensors: of a weights file; only names that begin with one of INTEGER_PREFIXES count. They
            enter in the order of their names, each as name, type, shape (text, ended by a line feed) and little-endian bytes.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        if name.startswith(INTEGER_PREFIXES):
            array = tensors[name].cpu().contiguous().numpy()
            digest.update(f"{name} {array.dtype.name} {list(array.shape)}\n".encode())
            digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.digest()[:FINGERPRINT_BYTES]


def load_codec(weights: str | Path = DEFAULT_WEIGHTS, device: str | torch.device = "cpu") -> Codec:
    """A codec ready for use; the same object for the same arguments while the file is unchanged.

    Args:
        weights: path of a .safetensors file, or the name of shipped weights.
        device: where its networks run.

    Raises:
        WeightsError: the file is missing or damaged, or its integer networks could overflow.
    """
    chosen = Path(weights) if str(weights).endswith(SUFFIX) else shipped_weights(str(weights))
    try:
        changed = chosen.stat().st_mtime_ns
    except OSError as error:
        raise WeightsError(f"weights file {chosen}: {error.strerror or error}") from error
    return _load(str(chosen.resolve()), changed, str(device))


@lru_cache(maxsize=4)
def _load(path: str, changed: int, device: str) -> Codec:
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"weights file {path} cannot be read: {error}") from error
    try:
        return _build(metadata, tensors).to(device)
    except WeightsError as error:
        raise WeightsError(f"weights file {path}: {error}") from error


def _build(metadata: dict[str, str], tensors: dict[str, Tensor]) -> Codec:
    if metadata.get("format") != FORMAT:
        raise WeightsError(f"format is {metadata.get('format')!r}, this version reads {FORMAT!r}")
    try:
        config = CodecConfig.from_dict(json.loads(metadata["config"]))
    except (KeyError, ValueError) as error:
        raise WeightsError(f"no usable configuration ({error})") from error
    codec = Codec(config)
    codec.name = metadata.get("name", "")
    codec.trained_on = tuple(filter(None, metadata.get("trained_on", "").split(",")))
    codec.fingerprint = fingerprint(tensors)
    if codec.fingerprint.hex() != metadata.get("fingerprint"):
        raise WeightsError("the fingerprint does not match the contents")
    networks = {name: value for name, value in tensors.items() if not name.startswith("tables.")}
    _check_types(codec, networks)
    codec.load_state_dict(networks)
    for layer in codec.modules():
        if isinstance(layer, IntegerConv2d):
            layer.check()
    for name, attribute in TABLE_SETS.items():
        setattr(codec, attribute, _tables(name, tensors))
    if len(codec.tables_latent) != TABLE_COUNT:
        raise WeightsError(f"{len(codec.tables_latent)} latent tables where there should be {TABLE_COUNT}")
    if not (0 <= int(codec.neighbours.refined.min()) and int(codec.neighbours.refined.max()) < TABLE_COUNT):
        raise WeightsError(f"neighbours.refined names tables beyond 0..{TABLE_COUNT - 1}")
    codec.rounding.follow(torch.from_numpy(codec.tables_latent.probabilities(MAGNITUDES)))
    codec.requires_grad_(False)
    return codec.eval().to(memory_format=torch.channels_last)


def _check_types(codec: Codec, networks: dict[str, Tensor]) -> None:
    """Compare names, shapes and kinds of number with what the configuration asks for."""
    wanted = codec.state_dict()
    if set(wanted) != set(networks):
        raise WeightsError(f"tensors missing or unknown: {sorted(set(wanted) ^ set(networks))[:4]}")
    for name, value in networks.items():
        if value.shape != wanted[name].shape:
            raise WeightsError(f"{name} has shape {list(value.shape)}, not {list(wanted[name].shape)}")
        integer = not wanted[name].is_floating_point()
        if value.dtype != wanted[name].dtype if integer else not value.is_floating_point():
            raise WeightsError(f"{name} has type {value.dtype}")


def _tables(name: str, tensors: dict[str, Tensor]) -> SymbolTables:
    try:
        flat, lengths, offsets = (tensors[f"tables.{name}.{part}"].numpy() for part in ("cdf", "lengths", "offsets"))
    except KeyError as error:
        raise WeightsError(f"no tensor {error}") from error
    if not (flat.ndim == lengths.ndim == offsets.ndim == 1) or len(lengths) != len(offsets) or not len(lengths):
        raise WeightsError(f"tables.{name} has the wrong shape")
    if lengths.min() < 2 or int(lengths.astype(np.int64).sum()) != len(flat):
        raise WeightsError(f"tables.{name} has the wrong lengths")
    padded = np.zeros((len(lengths), int(lengths.max())), dtype=np.int32)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = flat
    try:
        return tables_from_cdfs(padded, lengths, offsets)
    except ValueError as error:
        raise WeightsError(f"tables.{name}: {error}") from error
