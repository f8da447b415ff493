"""How strict "looks the same" is, by name.

All predictors speak one scale, the *score* z: a share Phi(z) of observers sees no change (Phi: the
normal distribution). The names with a number are shares of the observers of MCL-JCI, who compared
JPEG pictures side by side with their originals (Jin et al., "Statistical Study on Perceived JPEG
Image Quality via MCL-JCI Dataset Construction and Analysis", HVEI 2016). No people looked at what
the predictors here are calibrated with: they are `proxy`, see jndlic/optimize/predictors/scales.py.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

from jndlic.choices import OBSERVER_PROFILES, STRICT_PROFILE
from jndlic.errors import ParameterError

STRICT_SCORE = 4.0
"""By definition the score at which metrics' authors call a picture visually lossless: far beyond
what shares can tell.
"""

HIGHEST = 3.5
"""The largest score that learned predictors tell from still larger ones: in their training scores
are cut at 4.
"""


class Profile(NamedTuple):
    """A demand on a picture."""

    name: str
    score: float
    """The least that is good enough."""
    meaning: str


def _share(name: str) -> Profile:
    percent = int(name.rpartition("-")[2])
    meaning = f"{percent} % of people see no change side by side"
    return Profile(name, NormalDist().inv_cdf(percent / 100), meaning)


PROFILES = {
    profile.name: profile
    for profile in (
        *map(_share, OBSERVER_PROFILES),
        Profile(
            STRICT_PROFILE,
            STRICT_SCORE,
            "no change even when both pictures flicker in turn: SSIMULACRA2 90, Butteraugli 1",
        ),
    )
}


def profile(name: str) -> Profile:
    """The profile of that name.

    Raises:
        ParameterError: there is none.
    """
    if name not in PROFILES:
        raise ParameterError(f"no profile {name!r}; there are {', '.join(PROFILES)}")
    return PROFILES[name]


def share(score: float) -> float:
    """Share of observers, 0 to 1, who see no change at a score."""
    return NormalDist().cdf(score)
