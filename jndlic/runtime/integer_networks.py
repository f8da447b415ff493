"""The integer networks in numpy: everything that chooses a probability table or a step, the same on
every machine.

    z, quality   ─► scale net ─► S ─┐
    z_J, quality ─► step net ──► d ─┴─► t = clip(S - d, 0, 63)
    t, decoded neighbours ─► scale context ─► counting ─► t of the next phase

Layers are products of float32 matrices. That is exact: `exact_limit` proves for each that every
partial sum, in any order, is an integer below 2^24, and float32 holds those. The definitions are
those of jndlic/network (hyperprior, integer, scale_context, table_refinement), which trains them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jndlic.errors import WeightsError
from jndlic.format.container import QUALITY_MAX, QUALITY_MIN
from jndlic.format.phases import PHASES
from jndlic.network.rules import (
    ACTIVATION_MAX,
    EXACT_LIMIT,
    LEVELS,
    LOG_MAGNITUDE,
    LOG_RATIO,
    MAGNITUDE_MAX,
    PHASE_NEIGHBOURS,
    PRIOR,
    QUALITY_NODES,
    QUALITY_UNIT,
    RATIOS,
    STEP_BOUND,
    STEP_LIMIT,
    SYMBOL_MAX,
    TABLE_COUNT,
    UNIT,
)


class _Layer(NamedTuple):
    """A convolution on integers, see jndlic/network/integer.py."""

    taps: np.ndarray
    """(size, size, outputs, inputs) float32."""
    bias: np.ndarray
    """(outputs, 1) int32, half of the divisor added."""
    shift: np.ndarray
    """(outputs, 1) int32."""
    rectify: bool

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """(inputs, h, w) float32 that holds integers to (outputs, h, w)."""
        size, _, outputs, channels = self.taps.shape
        rows, columns = inputs.shape[1:]
        margin = size // 2
        padded = np.pad(inputs, ((0, 0), (margin, margin), (margin, margin))) if margin else inputs
        total = np.zeros((outputs, rows * columns), dtype=np.float32)
        for down in range(size):
            for right in range(size):
                part = padded[:, down : down + rows, right : right + columns]
                total += self.taps[down, right] @ part.reshape(channels, -1)
        scaled = (total.astype(np.int32) + self.bias) >> self.shift
        if self.rectify:
            np.clip(scaled, 0, ACTIVATION_MAX, out=scaled)
        return scaled.astype(np.float32).reshape(outputs, rows, columns)


class IntegerNetworks:
    """The integer part of a weights file.

    Args:
        networks: parameters by name.

    Raises:
        WeightsError: a parameter is missing or does not fit the others, a sum could leave what
            float32 holds, or a table is named that does not exist.
    """

    def __init__(self, networks: Mapping[str, np.ndarray]) -> None:
        try:
            self._scale_layers = [
                _layer(networks, f"scale_net.layers.{number}", number == 0, number == 4)
                for number in range(5)
            ]
            self._step_layers = [
                _layer(networks, f"step_net.layers.{number}", number == 0, number == 2)
                for number in range(3)
            ]
            self._context_layers = [
                [
                    _layer(networks, f"scale_context.passes.{number}.{part}", False, part == 1)
                    for part in (0, 1)
                ]
                for number in range(len(PHASE_NEIGHBOURS) - 1)
            ]
            self._phase_offset = networks["scale_net.phase_offset"].astype(np.float32)
            self._gain = networks["step_net.gain"].astype(np.float32)
            self._expected = networks["neighbours.expected"].astype(np.int32)
            self._refined = networks["neighbours.refined"]
        except KeyError as error:
            raise WeightsError(f"no tensor {error}") from error
        if self._expected.shape != (TABLE_COUNT,) or self._refined.shape != (
            len(PHASE_NEIGHBOURS) - 1,
            TABLE_COUNT,
            LEVELS,
        ):
            raise WeightsError("the tables of neighbours have the wrong shape")
        if self._refined.min() < 0 or self._refined.max() >= TABLE_COUNT:
            raise WeightsError(f"neighbours.refined names tables beyond 0..{TABLE_COUNT - 1}")
        self._refined = self._refined.astype(np.uint8)
        self._log_magnitude = np.array(LOG_MAGNITUDE, dtype=np.float32)

    def table_index(
        self, z_jnd: np.ndarray, z: np.ndarray, quality: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """See TableSource.

        Args:
            z_jnd, z: as there.
            quality: int64 (ph / 32, pw / 32).
        """
        step_index = self._step(z_jnd, quality)
        table = np.clip(self._scale(z, quality) - step_index, 0, TABLE_COUNT - 1)
        return table.astype(np.uint8), step_index.astype(np.int32)

    def refine(
        self, phase: int, tables: Sequence[np.ndarray], symbols: Sequence[np.ndarray]
    ) -> np.ndarray:
        """See TableSource."""
        if not phase:
            return np.asarray(tables[0], dtype=np.uint8)
        moved = self._by_channels(phase, tables[phase], symbols[:phase])
        cell = (phase - 1) * TABLE_COUNT + moved
        return self._refined.reshape(-1)[
            cell * LEVELS + self._level(phase, tables[:phase], symbols[:phase])
        ]

    def step_levels(self) -> np.ndarray:
        """See Backend."""
        return self._gain.mean(1, dtype=np.float64) * LOG_RATIO / np.log(2.0)

    def _step(self, z_jnd: np.ndarray, quality: np.ndarray) -> np.ndarray:
        """d: (M, 2 h, 2 w) float32 that holds integers."""
        first, second, last = self._step_layers
        hidden = first(np.concatenate((_clipped(z_jnd), quality_planes(quality))))
        relative = last(_shuffled(second(hidden)))
        gain = self._gain[quality - QUALITY_MIN].transpose(2, 0, 1).repeat(2, 1).repeat(2, 2)
        return np.clip(np.clip(relative, -STEP_BOUND, STEP_BOUND) + gain, -STEP_LIMIT, STEP_LIMIT)

    def _scale(self, z: np.ndarray, quality: np.ndarray) -> np.ndarray:
        """S: (M, 4 h, 4 w) float32 that holds integers."""
        first, second, third, fourth, last = self._scale_layers
        hidden = first(np.concatenate((_clipped(z), _coarser(quality_planes(quality)))))
        index = last(_shuffled(fourth(third(_shuffled(second(hidden))))))
        for offset, (row, column) in zip(self._phase_offset, PHASES):
            index[:, row::2, column::2] += offset[:, None, None]
        return index

    def _by_channels(
        self, phase: int, table: np.ndarray, symbols: Sequence[np.ndarray]
    ) -> np.ndarray:
        """t' of one phase: int32 (M, h, w)."""
        largest = len(LOG_MAGNITUDE) - 1
        magnitudes = [self._log_magnitude[np.minimum(np.abs(part), largest)] for part in symbols]
        own = table.astype(np.float32)
        first, last = self._context_layers[phase - 1]
        shift = last(first(np.concatenate((weighted_sum(phase, magnitudes), own))))
        return np.clip(own + shift, 0, TABLE_COUNT - 1).astype(np.int32)

    def _level(
        self, phase: int, tables: Sequence[np.ndarray], symbols: Sequence[np.ndarray]
    ) -> np.ndarray:
        """How the neighbours compare with what was expected: int32 (M, h, w), 0..7."""
        found = [
            UNIT * np.minimum(np.abs(part), MAGNITUDE_MAX).astype(np.int32) for part in symbols
        ]
        around = weighted_sum(phase, found)
        usual = weighted_sum(phase, [self._expected[part] for part in tables]) + PRIOR
        evidence = 16 * (around + PRIOR)
        level = np.zeros_like(usual)
        for ratio in RATIOS:
            level += evidence >= ratio * usual
        return level


def quality_hats(quality: np.ndarray) -> np.ndarray:
    """Piecewise-linear basis over the quality: int64 (h, w) to (8, h, w) in 0..99."""
    span = QUALITY_MAX - QUALITY_MIN
    position = (quality.astype(np.int64) - QUALITY_MIN) * (QUALITY_NODES - 1)
    nodes = span * np.arange(QUALITY_NODES)[:, None, None]
    return np.maximum(span - np.abs(position - nodes), 0)


def quality_planes(quality: np.ndarray) -> np.ndarray:
    """The hats as planes of height 0..16: (h, w) to (8, h, w) float32 that holds integers."""
    span = QUALITY_MAX - QUALITY_MIN
    return ((quality_hats(quality) * QUALITY_UNIT + span // 2) // span).astype(np.float32)


def weighted_sum(phase: int, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Weighted sum over the known neighbours; those outside count zero.

    Args:
        phase: 1..3.
        parts: of the phases before it, (M, h, w) each, one type.

    Returns:
        (M, h, w) in that type.
    """
    total = np.zeros_like(parts[0])
    rows, columns = total.shape[1:]
    for source, down, right, weight in PHASE_NEIGHBOURS[phase]:
        top, bottom = max(-down, 0), rows - max(down, 0)
        left, end = max(-right, 0), columns - max(right, 0)
        total[:, top:bottom, left:end] += (
            weight * parts[source][:, top + down : bottom + down, left + right : end + right]
        )
    return total


def _clipped(symbols: np.ndarray) -> np.ndarray:
    return np.clip(symbols, -SYMBOL_MAX, SYMBOL_MAX).astype(np.float32)


def _coarser(planes: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 integers, halves rounded up: (8, 2 h, 2 w) to (8, h, w)."""
    channels, rows, columns = planes.shape
    cells = planes.reshape(channels, rows // 2, 2, columns // 2, 2)
    return np.floor(cells.sum((2, 4)) * np.float32(0.25) + np.float32(0.5))


def _shuffled(values: np.ndarray) -> np.ndarray:
    """Four channels to 2 x 2 places: (4 C, h, w) to (C, 2 h, 2 w)."""
    channels, rows, columns = values.shape
    cells = values.reshape(channels // 4, 2, 2, rows, columns)
    return cells.transpose(0, 3, 1, 4, 2).reshape(channels // 4, 2 * rows, 2 * columns)


def _layer(networks: Mapping[str, np.ndarray], name: str, first: bool, last: bool) -> _Layer:
    """A layer, its sums proven to be exact.

    Raises:
        WeightsError: they are not, or its parameters do not fit.
    """
    weight, bias, shift = (networks[f"{name}.{part}"] for part in ("weight", "bias", "shift"))
    outputs = (weight.shape[0],) if weight.ndim == 4 else ()
    if bias.shape != outputs or shift.shape != outputs or weight.shape[2] != weight.shape[3]:
        raise WeightsError(f"{name} has the wrong shape")
    worst = int(exact_bound(weight, bias, SYMBOL_MAX if first else ACTIVATION_MAX).max())
    if worst >= EXACT_LIMIT:
        raise WeightsError(f"{name}: a sum may reach {worst}, the limit is 2^24 - 1")
    if shift.min() < 0 or shift.max() > 30:
        raise WeightsError(f"{name}: a shift is outside 0..30")
    half = (np.int64(1) << shift.astype(np.int64)) >> 1
    return _Layer(
        np.ascontiguousarray(weight.transpose(2, 3, 0, 1), dtype=np.float32),
        (bias + half).astype(np.int32)[:, None],
        shift.astype(np.int32)[:, None],
        not last,
    )


def exact_bound(weight: np.ndarray, bias: np.ndarray, input_max: int) -> np.ndarray:
    """(outputs,) int64: the largest magnitude that any partial sum of a layer can reach."""
    return np.abs(weight.astype(np.int64)).sum((1, 2, 3)) * input_max + np.abs(
        bias.astype(np.int64)
    )
