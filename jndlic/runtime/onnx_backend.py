"""The networks by ONNX Runtime on a CPU, the integer ones by numpy: what an installation without
torch runs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jndlic.errors import WeightsError
from jndlic.format.coding import DecodedSymbols
from jndlic.format.grid import SEGMENT_LATENTS, padded_size, segments
from jndlic.format.phases import PHASES, to_phases
from jndlic.format.quality import checked_plane
from jndlic.format.symbols import SYMBOL_LIMIT, Symbols
from jndlic.network.rules import (
    BIT_PRICE,
    LOG_RATIO,
    MAGNITUDES,
    PROBABILITY_MIN,
    STEP_LIMIT,
)
from jndlic.runtime.sessions import Sessions
from jndlic.runtime.table_source import WeightsTables
from jndlic.runtime.weights_file import Weights


class Analysed(NamedTuple):
    """Outputs of the graph "analysis"."""

    features: np.ndarray
    """(1, C, ph / 16, pw / 16) float32."""
    detail: np.ndarray
    """(1, D, ph / 16, pw / 16) float32."""
    jnd_features: np.ndarray
    """(1, C, ph / 16, pw / 16) float32."""


class OnnxBackend(WeightsTables):
    """See Backend.

    Args:
        weights: of the networks, with graphs and tables.

    Raises:
        WeightsError: there are no graphs, or the integer networks could overflow.
    """

    def __init__(self, weights: Weights) -> None:
        if not weights.graphs:
            raise WeightsError("no graphs for ONNX Runtime: export the weights again")
        super().__init__(weights)
        self._thresholds = rounding_thresholds(self.tables_latent.probabilities(MAGNITUDES))
        self._steps = np.exp(np.arange(-STEP_LIMIT, STEP_LIMIT + 1) * LOG_RATIO).astype(np.float32)
        self._sessions = Sessions(
            weights.graphs,
            {name: value for name, value in weights.networks.items() if value.dtype.kind == "f"},
        )

    def analyse(self, pixels: np.ndarray, jnd: np.ndarray) -> Analysed:
        """See Backend."""
        height, width = pixels.shape[:2]
        margin = ((0, padded_size(height) - height), (0, padded_size(width) - width), (0, 0))
        pixels, jnd = (np.pad(plane, margin, mode="edge")[None] for plane in (pixels, jnd))
        return Analysed(*self._sessions.run("analysis", pixels, jnd.astype(np.float32, copy=False)))

    def quantise(self, features: Analysed, quality: int | np.ndarray) -> Symbols:
        """See Backend."""
        rows, columns = features.features.shape[-2:]
        plane = checked_plane(quality, rows // 2, columns // 2)
        latent, z, z_jnd = (
            output[0] for output in self._sessions.run("latent", *features, plane[None])
        )
        table, step_index = self._integers.table_index(z_jnd, z, plane)
        steps = self._steps[step_index + STEP_LIMIT]
        hidden = self._sessions.run("hidden", z_jnd[None], z[None], plane[None])[0]
        tables, phases = to_phases(table), list(zip(to_phases(latent), to_phases(steps)))
        symbols: list[np.ndarray] = []
        known: list[np.ndarray] = []
        refined = np.empty_like(table)
        k = np.empty(table.shape, dtype=np.int32)
        for phase, (row, column) in enumerate(PHASES):
            mean = self._sessions.run(f"mean-{phase}", hidden, *known)[0]
            chosen = self._refined_by_segments(phase, tables, symbols)
            values, step = phases[phase]
            symbols.append(self._rounded((values - mean[0]) / step, chosen))
            known.append(mean + step * symbols[-1].astype(np.float32))
            k[:, row::2, column::2], refined[:, row::2, column::2] = symbols[-1], chosen
        return Symbols(z_jnd, z, k, refined)

    def synthesise(self, decoded: DecodedSymbols, height: int, width: int) -> np.ndarray:
        """See Backend."""
        (z_jnd, z, k, _), step_index, quality = decoded
        plane = checked_plane(quality.values, *z_jnd.shape[1:])
        inputs = (values[None] for values in (z_jnd, z, k, step_index, plane))
        return self._sessions.run("pixels", *inputs)[0][0, :height, :width]

    def _refined_by_segments(
        self, phase: int, tables: list[np.ndarray], symbols: list[np.ndarray]
    ) -> np.ndarray:
        """Tables of one phase of the whole picture; no segment sees across its border."""
        refined = np.empty_like(tables[phase])
        rows, columns = refined.shape[1:]
        for part in segments(rows, columns, SEGMENT_LATENTS // 2):
            place = (slice(None), *part)
            inside = ([values[place] for values in parts] for parts in (tables, symbols))
            refined[place] = self._integers.refine(phase, *inside)
        return refined

    def _rounded(self, ratio: np.ndarray, table: np.ndarray) -> np.ndarray:
        """Symbols by the thresholds of jndlic/network/rdoq.py: int32."""
        magnitude = np.abs(ratio)
        whole = np.floor(magnitude)
        cell = table.astype(np.int32) * MAGNITUDES + np.minimum(whole, MAGNITUDES - 1).astype(
            np.int32
        )
        rounded = np.copysign(whole + (magnitude - whole >= self._thresholds[cell]), ratio)
        return np.clip(rounded, -SYMBOL_LIMIT, SYMBOL_LIMIT).astype(np.int32)


def rounding_thresholds(probabilities: np.ndarray) -> np.ndarray:
    """Where rounding goes up, see jndlic/network/rdoq.py.

    Args:
        probabilities: P_t(k) for k = 0..4, (64, 5).

    Returns:
        (256,) float32, four for each table.
    """
    bits = -np.log2(np.maximum(probabilities, PROBABILITY_MIN))
    price = np.maximum(np.diff(bits, axis=1), 0.0)
    return (0.5 + 0.5 * BIT_PRICE * price).astype(np.float32).ravel()
