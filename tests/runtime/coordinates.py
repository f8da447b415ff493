"""A backend whose arrays hold their own places: each stage checks that what it gets belongs
together. Pictures of any size go through it in milliseconds."""

from __future__ import annotations

import numpy as np

from jndlic.format.grid import (
    HYPER_STRIDE,
    JND_STRIDE,
    LATENT_STRIDE,
    Area,
    picture_area,
    segment_areas,
)
from jndlic.format.phases import PHASES
from jndlic.format.quality import Quality
from jndlic.network.config import CodecConfig
from jndlic.network.margins import SIDE_MARGIN, margins
from jndlic.runtime.staged import StagedBackend

_WIDE = 5000  # more latents than a row of these tests has
_PHASE = 2 * LATENT_STRIDE
_INPUTS = {
    "analysis-fine": (1, 1),
    "analysis-coarse": (LATENT_STRIDE,),
    "latent": (LATENT_STRIDE, LATENT_STRIDE, JND_STRIDE),
    "hyper": (LATENT_STRIDE, JND_STRIDE),
    "hidden": (JND_STRIDE, HYPER_STRIDE, JND_STRIDE),
    **{f"mean-{phase}": (LATENT_STRIDE, *(_PHASE,) * phase) for phase in range(4)},
    "synthesis-coarse": (LATENT_STRIDE, LATENT_STRIDE, JND_STRIDE),
    "synthesis-fine": (LATENT_STRIDE, JND_STRIDE),
    "synthesis-pixels": (8, LATENT_STRIDE),
}
_OUTPUTS = {
    "analysis-fine": (LATENT_STRIDE, LATENT_STRIDE),
    "analysis-coarse": (LATENT_STRIDE, JND_STRIDE),
    "latent": (LATENT_STRIDE,),
    "hyper": (HYPER_STRIDE,),
    "hidden": (LATENT_STRIDE,),
    "synthesis-coarse": (LATENT_STRIDE,),
    "synthesis-fine": (8,),
}


def places(area: Area, stride: int) -> np.ndarray:
    """The latent that each value of an array belongs to, as one number: (rows, columns) int64."""
    rows, columns = area.shape(stride)
    row, column = (
        first + np.arange(count) * stride // LATENT_STRIDE
        for first, count in ((area.top, rows), (area.left, columns))
    )
    return row[:, None] * _WIDE + column


def table_of(place: np.ndarray) -> np.ndarray:
    """The table of a latent."""
    return (place // _WIDE % 250).astype(np.uint8)


def step_of(place: np.ndarray) -> np.ndarray:
    """d of a latent."""
    return (place // _WIDE % 100).astype(np.int8)


def _area(first: np.ndarray, stride: int) -> Area:
    top, left = divmod(int(first.flat[0]), _WIDE)
    rows, columns = (side * stride // LATENT_STRIDE for side in first.shape)
    return Area(top, top + rows, left, left + columns)


class Coordinates(StagedBackend):
    """k of a latent is its place; its mean is 0 and its step 1."""

    side_margin = SIDE_MARGIN

    def __init__(self) -> None:
        self.margins = margins(CodecConfig())
        self.detail_channels = 1
        self.thresholds = np.full(256, 0.5, np.float32)
        self._steps = np.ones(241, np.float64)

    def run(self, stage: str, *inputs: np.ndarray) -> list[np.ndarray]:
        strides = _INPUTS[stage]
        planes = [values[..., 0] if strides[0] == 1 else values for values in inputs]
        planes = [values[0] if values.ndim == 3 else values for values in planes]
        area = _area(planes[0], strides[0])
        for number, (values, stride) in enumerate(zip(planes, strides)):
            expected = places(area, stride)
            if stage.startswith("mean") and number:
                row, column = PHASES[number - 1]
                expected = places(area, LATENT_STRIDE)[row::2, column::2]
            if stage == "synthesis-coarse" and number == 1:
                expected = step_of(expected)
            assert values.shape == expected.shape, (stage, number, area)
            assert np.array_equal(values, expected), (stage, number, area)
        if stage == "synthesis-pixels":
            return [places(area, 1)[:, :, None].repeat(3, 2).astype(np.float32)]
        if stage.startswith("mean"):
            return [np.zeros((1, *area.shape(_PHASE)))]
        return [places(area, stride)[None].astype(np.float64) for stride in _OUTPUTS[stage]]

    def table_index(
        self, z_jnd: np.ndarray, z: np.ndarray, quality: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        area = _area(z_jnd[0], JND_STRIDE)
        assert all(side % 4 == 0 for side in area)
        assert np.array_equal(z_jnd[0], places(area, JND_STRIDE))
        assert np.array_equal(z[0], places(area, HYPER_STRIDE))
        assert np.array_equal(quality, places(area, JND_STRIDE))
        own = places(area, LATENT_STRIDE)[None]
        return table_of(own), step_of(own).astype(np.int32)

    def refine(self, phase: int, tables: list[np.ndarray], symbols: list[np.ndarray]) -> np.ndarray:
        assert len(symbols) == phase
        if phase:
            area = _area(symbols[0][0], _PHASE)
            assert area.top // 64 == (area.bottom - 1) // 64  # within one segment
            assert area.left // 64 == (area.right - 1) // 64
            own = places(area, LATENT_STRIDE)
            for (row, column), k, t in zip(PHASES, symbols, tables):
                assert np.array_equal(k[0], own[row::2, column::2])
                assert np.array_equal(t[0], table_of(own[row::2, column::2]))
        return tables[phase]


class Segments:
    """The segments of a picture as a file would give them.

    Attributes:
        read: numbers of those that were asked for.
    """

    def __init__(self, height: int, width: int) -> None:
        picture = picture_area(height, width)
        self._areas, self.read = segment_areas(picture), []
        self.z_jnd = places(picture, JND_STRIDE)[None]
        self.z = places(picture, HYPER_STRIDE)[None]
        self.quality = Quality(50, places(picture, JND_STRIDE))

    def segment(self, number: int) -> tuple[list[np.ndarray], np.ndarray]:
        self.read.append(number)
        own = places(self._areas[number], LATENT_STRIDE)
        return [own[None, row::2, column::2] for row, column in PHASES], step_of(own)[None]
