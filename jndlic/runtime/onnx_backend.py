"""The networks by ONNX Runtime on a CPU: what an installation without torch runs."""

from __future__ import annotations

import numpy as np

from jndlic.errors import WeightsError
from jndlic.runtime.sessions import Sessions
from jndlic.runtime.staged import StagedBackend
from jndlic.runtime.weights_file import Weights


class OnnxBackend(StagedBackend):
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
        self._sessions = Sessions(
            weights.graphs,
            {name: value for name, value in weights.networks.items() if value.dtype.kind == "f"},
        )

    def run(self, stage: str, *inputs: np.ndarray) -> list[np.ndarray]:
        """See StagedBackend."""
        outputs = self._sessions.run(stage, *(values[None] for values in inputs))
        return [values[0] for values in outputs]
