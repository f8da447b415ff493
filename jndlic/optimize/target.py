"""The smallest file of a picture that still looks the same, as far as a predictor can tell."""

from __future__ import annotations

import math
from typing import NamedTuple

from jndlic.codecs.codec import Session
from jndlic.errors import ParameterError
from jndlic.optimize.predictors.predictor import Judge, Predictor
from jndlic.optimize.predictors.profiles import Profile, share
from jndlic.optimize.search import check_rule, default_rule, search


class Outcome(NamedTuple):
    """A file and how it was found."""

    data: bytes
    level: int
    score: float
    """Of the very file, decoded; minus infinity where the predictor gave NaN."""
    share: float
    """Share of observers, 0 to 1, who see no change at that score."""
    reached: bool
    """Whether the profile is satisfied; if not, this is the finest level."""
    evaluations: int
    """Pictures judged, those of the last check too."""
    scores: dict[int, float]
    """By level, of the search."""


def optimize(
    session: Session, predictor: Predictor, profile: Profile, rule: str | None = None
) -> Outcome:
    """Searches a picture's levels and checks the file that comes of it.

    The file is decoded and judged; while it is below the profile, the next finer level is tried,
    since a search may go by the vote of neighbours and a session may show levels without the way
    through a file.

    Args:
        session: the picture at every level.
        predictor: says how alike two pictures look.
        profile: what is good enough.
        rule: of jndlic/optimize/search.py; the one for the predictor by default.

    Raises:
        ParameterError: there is no such rule, or the profile asks for more than the predictor can
            tell.
        ImageError: the format cannot hold the picture, or the predictor cannot judge it.
    """
    rule = rule or default_rule(predictor.smooth)
    check_rule(rule)
    if profile.score > predictor.highest:
        raise ParameterError(
            f"the predictor {predictor.name!r} cannot tell {profile.name!r}: take a metric, "
            "ssimulacra2 or butteraugli"
        )
    levels = session.levels
    judge = predictor.judge(session.reference)
    found = search(
        rule, lambda index: judge.score(session.view(levels[index])), len(levels), profile.score
    )
    evaluations = found.evaluations
    last = len(levels) - 1
    index = last if found.index is None else found.index
    while True:
        data = session.encode(levels[index])
        if session.real and index in found.scores:
            score = found.scores[index]
        else:
            score, evaluations = _checked(judge, session, data), evaluations + 1
        if score >= profile.score or index == last:
            break
        index += 1
    by_level = {levels[number]: value for number, value in sorted(found.scores.items())}
    return Outcome(
        data, levels[index], score, share(score), score >= profile.score, evaluations, by_level
    )


def _checked(judge: Judge, session: Session, data: bytes) -> float:
    score = judge.score(session.decode(data))
    return -math.inf if math.isnan(score) else score
