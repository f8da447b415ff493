"""Predictors by the names of the command line."""

from __future__ import annotations

from pathlib import Path

from jndlic.choices import LEARNED_PREDICTORS, PREDICTORS
from jndlic.errors import ParameterError
from jndlic.optimize.predictors.metric import MetricPredictor
from jndlic.optimize.predictors.predictor import Predictor
from jndlic.optimize.predictors.profiles import HIGHEST, Profile


def default_predictor(demand: Profile) -> str:
    """The predictor to take where none is named.

    "vp", which learned the proxy that behaves most like people (docs/predictors.md) and which is in
    no codec's training loss; for what it cannot tell, SSIMULACRA2.
    """
    return "ssimulacra2" if demand.score > HIGHEST else "vp"


def open_predictor(name: str, weights: str | Path | None = None) -> Predictor:
    """The predictor of that name.

    Args:
        name: one of PREDICTORS.
        weights: of a learned predictor; the shipped ones by default.

    Raises:
        ParameterError: there is none.
        WeightsError: its weights are missing or of another kind.
    """
    if name in LEARNED_PREDICTORS:
        from jndlic.optimize.predictors.learned import load_predictor

        return load_predictor(name, weights)
    if name not in PREDICTORS:
        raise ParameterError(f"no predictor {name!r}; there are {', '.join(PREDICTORS)}")
    return MetricPredictor(name)
