"""A backend whose networks run stage by stage, in windows: what both backends share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from jndlic.format.coding import DecodedSymbols, SegmentSource
from jndlic.format.grid import HYPER_STRIDE, JND_STRIDE, LATENT_STRIDE, Area, picture_area
from jndlic.format.phases import to_phases
from jndlic.format.quality import checked_plane
from jndlic.format.symbols import Symbols, collected
from jndlic.images.windows import padded
from jndlic.network.margins import SIDE_MARGIN, margins
from jndlic.network.rules import BIT_PRICE, LOG_RATIO, MAGNITUDES, PROBABILITY_MIN, STEP_LIMIT
from jndlic.runtime import decoder, encoder
from jndlic.runtime.rows import Arrays, Held, Rows, Source, by_columns, gathered, read_last_first
from jndlic.runtime.table_source import WeightsTables
from jndlic.runtime.weights_file import Weights


class StagedBackend(WeightsTables):
    """See Backend.

    Args:
        weights: of the networks, and their tables.

    Attributes:
        margins: of the stages.
        detail_channels: the last ones of a latent.
        thresholds: where rounding goes up, four for each table: (256,) float32.

    Raises:
        WeightsError: an integer parameter or a table is missing, or the integer networks could
            overflow.
    """

    side_margin = SIDE_MARGIN
    knows_photos = True

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.margins = margins(weights.config)
        self.detail_channels = weights.config.detail_channels
        self.thresholds = rounding_thresholds(self.tables_latent.probabilities(MAGNITUDES))
        self._steps = np.exp(np.arange(-STEP_LIMIT, STEP_LIMIT + 1) * LOG_RATIO).astype(np.float32)

    @abstractmethod
    def run(self, stage: str, *inputs: np.ndarray) -> list[np.ndarray]:
        """Run a stage of jndlic/network/stages.py on a window.

        Args:
            stage: its name.
            inputs: in the stage's order, without the axis of the batch.

        Returns:
            Its outputs, without that axis.

        Raises:
            MemoryError: the system has no more.
        """

    def stage(
        self,
        name: str,
        picture: Area,
        margin: int,
        strides: Sequence[int],
        *sources: Source,
        share: float = 1.0,
    ) -> Source:
        """A stage, run window by window.

        Args:
            name: of the stage.
            picture: area of the picture.
            margin: of the stage.
            strides: pixels between the values of each output.
            sources: give its inputs; see `read_last_first`.
            share: of the usual size of a window, see `cut`.
        """

        def window(area: Area) -> Arrays:
            return tuple(self.run(name, *read_last_first(sources, area)))

        return lambda area: by_columns(area, picture, margin, strides, window, share)

    def rows(
        self,
        name: str,
        area: Area,
        picture: Area,
        margin: int,
        strides: Sequence[int],
        *sources: Source,
        unit: int = 4,
        share: float = 1.0,
    ) -> Rows:
        """The outputs of a stage, made as far as they are asked for; see `stage` and Rows."""
        make = self.stage(name, picture, margin, strides, *sources, share=share)
        return Rows(area, strides, make, unit)

    def steps(self, step_index: np.ndarray) -> np.ndarray:
        """Quantization steps r^d: float32, of integers |d| <= 120."""
        return self._steps[step_index.astype(np.intp) + STEP_LIMIT]

    def analyse(self, pixels: np.ndarray, jnd: np.ndarray) -> encoder.Features:
        """See Backend."""
        windows = _windows(pixels, jnd)
        return self.analyse_rows(windows, *pixels.shape[:2])

    def analyse_rows(self, pixels: Source, height: int, width: int) -> encoder.Features:
        """See Backend."""
        area = picture_area(height, width)
        rows = encoder.analysis(self, area, pixels)
        strides = LATENT_STRIDE, LATENT_STRIDE, JND_STRIDE
        return encoder.Features(*gathered([reader() for reader in rows], strides, area))

    def quantise(self, features: encoder.Features, quality: int | np.ndarray) -> Symbols:
        """See Backend."""
        return collected(self.quantise_rows(features, quality), features.area)

    def quantise_rows(
        self, features: encoder.Features, quality: int | np.ndarray
    ) -> encoder.SymbolRows:
        """See Backend."""
        area = features.area
        plane = checked_plane(quality, *area.shape(JND_STRIDE))
        return encoder.SymbolRows(self, area, features.rows(), plane)

    def code(
        self, pixels: Source, height: int, width: int, quality: int | np.ndarray
    ) -> encoder.SymbolRows:
        """See Backend."""
        area = picture_area(height, width)
        plane = checked_plane(quality, *area.shape(JND_STRIDE))
        return encoder.SymbolRows(self, area, encoder.analysis(self, area, pixels), plane)

    def draw(
        self, symbols: SegmentSource, height: int, width: int, area: Area
    ) -> Iterator[tuple[Area, np.ndarray]]:
        """See Backend."""
        picture = picture_area(height, width)
        needed = decoder.latents_needed(self, area, picture)
        latents = decoder.segment_rows(symbols, needed, picture)
        sides = self._sides(picture, symbols.z_jnd, symbols.z, symbols.quality.values)
        return decoder.pixels(self, area, picture, sides, latents)

    def synthesise(self, decoded: DecodedSymbols, height: int, width: int) -> np.ndarray:
        """See Backend."""
        (z_jnd, z, k, _), step_index, quality = decoded
        picture = picture_area(height, width)
        arrays = *to_phases(k), step_index.astype(np.int8)
        latents = Held(picture, decoder.LATENT_STRIDES, arrays)
        sides = self._sides(picture, z_jnd, z, quality.values)
        image = np.empty((*picture.shape(1), 3), dtype=np.float32)
        for area, levels in decoder.pixels(self, picture, picture, sides, latents):
            image[area.within(picture, 1)] = levels
        return image[:height, :width]

    def _sides(
        self, picture: Area, z_jnd: np.ndarray, z: np.ndarray, quality: int | np.ndarray
    ) -> Held:
        plane = checked_plane(quality, *z_jnd.shape[1:])
        return Held(picture, (JND_STRIDE, HYPER_STRIDE, JND_STRIDE), (z_jnd, z, plane))


def _windows(*planes: np.ndarray) -> Source:
    """Windows of whole arrays (H, W, C): float32."""

    def window(area: Area) -> Arrays:
        top, bottom, left, right = (LATENT_STRIDE * side for side in area)
        return tuple(
            padded(plane[top:bottom, left:right].astype(np.float32, copy=False), area)
            for plane in planes
        )

    return window


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
