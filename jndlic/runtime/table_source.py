"""What every backend shares: the integer part of a weights file, on numpy arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jndlic.errors import WeightsError
from jndlic.format.quality import checked_plane
from jndlic.network.rules import TABLE_COUNT
from jndlic.runtime.integer_networks import IntegerNetworks
from jndlic.runtime.weights_file import Weights


class WeightsTables:
    """See TableSource.

    Args:
        weights: of the networks, and their tables.

    Raises:
        WeightsError: an integer parameter or a table is missing, or the integer networks could
            overflow.
    """

    def __init__(self, weights: Weights) -> None:
        self.name, self.trained_on, self.fingerprint = (
            weights.name,
            weights.trained_on,
            weights.fingerprint,
        )
        self.tables_latent, self.tables_z, self.tables_z_jnd = (
            weights.tables_latent,
            weights.tables_z,
            weights.tables_z_jnd,
        )
        if len(self.tables_latent) != TABLE_COUNT:
            raise WeightsError(
                f"{len(self.tables_latent)} latent tables where there should be {TABLE_COUNT}"
            )
        self._integers = IntegerNetworks(weights.networks)

    def table_index(
        self, z_jnd: np.ndarray, z: np.ndarray, quality: int | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """See TableSource."""
        return self._integers.table_index(z_jnd, z, checked_plane(quality, *z_jnd.shape[1:]))

    def refine(
        self, phase: int, tables: Sequence[np.ndarray], symbols: Sequence[np.ndarray]
    ) -> np.ndarray:
        """See TableSource."""
        return self._integers.refine(phase, tables, symbols)

    def step_levels(self) -> np.ndarray:
        """See Backend."""
        return self._integers.step_levels()
