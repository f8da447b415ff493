"""Weights files: one safetensors file holds float networks, integer networks, probability tables
and sizes.

Layout (docs/weights.md): float parameters as float16 or float32 under their module names; integer
parameters as int8, int16 and int32; three sets of probability tables as `tables.SET.cdf` (16-bit
cumulative counts, rows end to end), `.lengths` and `.offsets`; the float networks as ONNX graphs
without weights, `graphs.NAME` (uint8, zlib); metadata `format`, `name`, `config`
(JSON), `fingerprint` and, where it is known, `trained_on`: the metrics in the training loss, with
commas between.

The fingerprint is the first 8 bytes of the SHA-256 of everything that entropy decoding depends on.
A file names the fingerprint it was written with, so no other weights ever try to read it.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlic.errors import WeightsError
from jndlic.format.container import FINGERPRINT_BYTES
from jndlic.format.entropy import SymbolTables, tables_from_cdfs
from jndlic.network.config import CodecConfig
from jndlic.tensor_files import read_tensors

FORMAT = "jndlic-weights-2"
INTEGER_PREFIXES = ("scale_net.", "step_net.", "scale_context.", "neighbours.", "tables.")
GRAPHS = "graphs."
_TABLES = "tables."


class Weights(NamedTuple):
    """A weights file."""

    config: CodecConfig
    name: str
    trained_on: tuple[str, ...]
    """Metrics in the training loss, by the names of the benchmark; empty where the file does not
    tell.
    """
    fingerprint: bytes
    networks: dict[str, np.ndarray]
    """Parameters by name."""
    graphs: dict[str, bytes]
    """ONNX files by name, which take their weights from `networks`; none in files written before
    there were any.
    """
    tables_latent: SymbolTables
    tables_z: SymbolTables
    tables_z_jnd: SymbolTables


def fingerprint(tensors: Mapping[str, np.ndarray]) -> bytes:
    """First 8 bytes of the SHA-256 over the integer tensors.

    Args:
        tensors: of a weights file; only names that begin with one of INTEGER_PREFIXES count. They
            enter in the order of their names, each as name, type, shape (text, ended by a line
            feed) and little-endian bytes.
    """
    integers = {name: value for name, value in tensors.items() if name.startswith(INTEGER_PREFIXES)}
    return _digest(integers)[:FINGERPRINT_BYTES]


def _digest(tensors: Mapping[str, np.ndarray]) -> bytes:
    """SHA-256 over tensors, see `fingerprint`."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        digest.update(f"{name} {array.dtype.name} {list(array.shape)}\n".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.digest()


def read_weights(path: str | Path) -> Weights:
    """A weights file, its tables and fingerprint checked; the networks are checked by who builds
    them.

    Raises:
        WeightsError: the file is missing, damaged or of another format.
    """
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != FORMAT:
        raise WeightsError(f"format is {metadata.get('format')!r}, this version reads {FORMAT!r}")
    try:
        config = CodecConfig.from_dict(json.loads(metadata["config"]))
    except (KeyError, ValueError) as error:
        raise WeightsError(f"no usable configuration ({error})") from error
    own = fingerprint(tensors)
    if own.hex() != metadata.get("fingerprint"):
        raise WeightsError("the fingerprint does not match the contents")
    return Weights(
        config,
        metadata.get("name", ""),
        tuple(filter(None, metadata.get("trained_on", "").split(","))),
        own,
        {name: value for name, value in tensors.items() if not name.startswith((_TABLES, GRAPHS))},
        {
            name.removeprefix(GRAPHS): _inflated(name, value)
            for name, value in tensors.items()
            if name.startswith(GRAPHS)
        },
        *(_tables(name, tensors) for name in ("latent", "z", "z_jnd")),
    )


def parameters_hash(path: str | Path) -> str:
    """SHA-256 of all tensors of a weights file but its graphs, which follow from them: files with
    the same hash make the same pictures, up to float rounding. In hexadecimal; tensors enter as in
    `fingerprint`.
    """
    tensors, _ = read_tensors(path)
    return _digest(
        {name: value for name, value in tensors.items() if not name.startswith(GRAPHS)}
    ).hex()


def deflated(graph: bytes) -> np.ndarray:
    """A graph as it is stored: uint8 (N,)."""
    return np.frombuffer(zlib.compress(graph, 9), dtype=np.uint8).copy()


def _inflated(name: str, stored: np.ndarray) -> bytes:
    try:
        return zlib.decompress(stored.tobytes())
    except zlib.error as error:
        raise WeightsError(f"{name} is damaged: {error}") from error


def _tables(name: str, tensors: Mapping[str, np.ndarray]) -> SymbolTables:
    try:
        flat, lengths, offsets = (
            tensors[f"{_TABLES}{name}.{part}"] for part in ("cdf", "lengths", "offsets")
        )
    except KeyError as error:
        raise WeightsError(f"no tensor {error}") from error
    if (
        not (flat.ndim == lengths.ndim == offsets.ndim == 1)
        or len(lengths) != len(offsets)
        or not len(lengths)
    ):
        raise WeightsError(f"tables.{name} has the wrong shape")
    if lengths.min() < 2 or int(lengths.astype(np.int64).sum()) != len(flat):
        raise WeightsError(f"tables.{name} has the wrong lengths")
    padded = np.zeros((len(lengths), int(lengths.max())), dtype=np.int32)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = flat
    try:
        return tables_from_cdfs(padded, lengths, offsets)
    except ValueError as error:
        raise WeightsError(f"tables.{name}: {error}") from error
