"""The coarsest level of a codec that is still good enough, found with few evaluations.

Levels are numbers from 0 (coarsest) on. Each has a score (jndlic/optimize/predictors/profiles.py),
and is good where that reaches a least score. A predictor errs, so that good and bad levels may
alternate near the threshold, and a learned one errs anywhere; the rules differ in how many
evaluations they spend on that. None evaluates a level twice. A score of NaN is never good.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

from jndlic.choices import SEARCH_RULES
from jndlic.errors import ParameterError

BLOCK = 5
"""Levels that vote together, and the window of the sliding mean."""

LIMIT = 4
"""Of the published rule: more bad levels than this make a block bad, fewer leave it open."""

EXHAUSTED = 12
"""So few levels in doubt are all evaluated."""

SURE = 0.99
"""Largest probability that counts for a level: no single one may decide against all others."""


class Found(NamedTuple):
    """What a search found."""

    index: int | None
    """Coarsest level from which on all is good; None where even the finest is not."""
    evaluations: int
    scores: dict[int, float]
    """Of the levels that were evaluated; minus infinity in place of NaN."""


class Levels:
    """Levels whose scores are asked for once.

    Args:
        evaluate: gives the score of a level.
        count: of the levels, at least 1.
        least: score that is good enough.

    Raises:
        ParameterError: there are no levels.
    """

    def __init__(self, evaluate: Callable[[int], float], count: int, least: float) -> None:
        if count < 1:
            raise ParameterError("there are no levels to search")
        self._evaluate, self.count, self._least = evaluate, count, least
        self.scores: dict[int, float] = {}

    def score(self, index: int) -> float:
        """Score of a level."""
        if index not in self.scores:
            value = float(self._evaluate(index))
            self.scores[index] = -math.inf if math.isnan(value) else value
        return self.scores[index]

    def good(self, index: int) -> bool:
        """Whether a level is good enough. Beyond the finest one all would be, before the coarsest
        one none.
        """
        if not 0 <= index < self.count:
            return index >= self.count
        return self.score(index) >= self._least

    def probability(self, index: int) -> float:
        """How likely a level is good enough, 0 to 1; outside the range as `good` has it."""
        if not 0 <= index < self.count:
            return float(index >= self.count)
        return NormalDist().cdf(self.score(index) - self._least)

    def mean(self, first: int, last: int) -> float:
        """Mean probability of the levels from `first` to `last`."""
        return sum(map(self.probability, range(first, last + 1))) / (last + 1 - first)


def first_good(good: Callable[[int], bool], start: int, stop: int) -> int:
    """The least of the numbers from `start` to `stop` - 1 that is good, by halving the range;
    `stop` where none is.

    Args:
        good: tells of a number whether it is; all numbers beyond a good one should be good too.
            Where that is not so, the number that is given was found good, and the one before it
            not.
        start: first number.
        stop: the one behind the last.
    """
    below, above = start - 1, stop
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if good(middle) else (middle, above)
    return above


def bisect(levels: Levels) -> int:
    """Halves the range; right for scores that rise with the level. The level that it gives was
    itself found good.
    """
    return first_good(levels.good, 0, levels.count)


def binary_block(levels: Levels) -> int:
    """Halves the range by the vote of five levels around its middle, and weighs the last dozen
    against one another.

    The vote is the mean of probabilities. At the end every level in doubt is evaluated, and the
    threshold is put where the probabilities of good above it and bad below it have the largest
    product, the finer one of equals.
    """
    low, high = 0, levels.count  # the first good level is one of low..high
    while high - low > EXHAUSTED:
        middle = (low + high) // 2
        if levels.mean(middle - BLOCK // 2, middle + BLOCK // 2) >= 0.5:
            high = middle
        else:
            low = middle + 1
    chances = [min(max(levels.probability(index), 1 - SURE), SURE) for index in range(low, high)]
    # What moving the threshold past each level gains
    gains = [math.log(1 - chance) - math.log(chance) for chance in chances]
    totals = [sum(gains[:cut]) for cut in range(len(gains) + 1)]
    return low + max(range(len(totals)), key=lambda cut: (round(totals[cut], 9), cut))


def binary_block_paper(levels: Levels) -> int:
    """The rule as published, for comparison.

    A level is bad where a change is visible. Of the five levels from the middle on, R, and the five
    below, L: all of R bad, go on above; none of R and fewer than four of L, go on below; otherwise
    the threshold is within these ten: at the border of a pure L and a pure R, after the last bad
    level where one block is mixed, and halfway between the bad levels nearest to the border where
    both are.

    Source: Zhang et al., "VP-JND: Visual Perception Assisted Deep Picture-Wise Just Noticeable
    Difference Prediction Model for Image Compression", IEEE TCSVT 2025; there levels rise with the
    quality, the labels are 1 where it is bad.
    """
    start, end = 0, levels.count - 1
    while True:
        middle = (start + end + 1) // 2
        right = [index for index in range(middle, middle + BLOCK) if not levels.good(index)]
        left = [index for index in range(middle - BLOCK, middle) if not levels.good(index)]
        if len(right) > LIMIT:
            cut, further = middle + BLOCK, (middle, end)
        elif not right and len(left) < LIMIT:
            cut, further = left[-1] + 1 if left else middle - BLOCK, (start, middle)
        elif right and 0 < len(left) < BLOCK:
            return (left[-1] + right[0]) // 2 + 1
        else:
            return (right or left)[-1] + 1
        # Labels contradict one another: they sent the search where it cannot go on
        if end - start < 2:
            return min(max(cut, 0), levels.count)
        start, end = further


def sliding_window(levels: Levels) -> int:
    """Walks from the finest level down while the mean probability of the five levels around stays
    at a half or more.

    Source: Cao et al., "SG-JND: Semantic-Guided Just Noticeable Distortion Predictor for Image
    Compression", ICIP 2024.
    """
    index = levels.count
    while index > 0 and levels.mean(index - 1 - BLOCK // 2, index - 1 + BLOCK // 2) >= 0.5:
        index -= 1
    return index


RULES: dict[str, Callable[[Levels], int]] = dict(
    zip(SEARCH_RULES, (bisect, binary_block, binary_block_paper, sliding_window), strict=True)
)
"""By the names of the command line. Each gives the number of levels where even the finest is not
good.
"""


def default_rule(smooth: bool) -> str:
    """The rule for a predictor, see `Predictor.smooth`."""
    return "bisect" if smooth else "binary-block"


def check_rule(rule: str) -> None:
    """Checks a name before the work.

    Raises:
        ParameterError: there is no such rule.
    """
    if rule not in RULES:
        raise ParameterError(f"no search {rule!r}; there are {', '.join(RULES)}")


def search(rule: str, evaluate: Callable[[int], float], count: int, least: float) -> Found:
    """The coarsest good level by one of RULES.

    Args:
        rule: its name.
        evaluate: gives the score of a level, 0 for the coarsest.
        count: of the levels.
        least: score that is good enough.

    Raises:
        ParameterError: there is no such rule, or there are no levels.
    """
    check_rule(rule)
    levels = Levels(evaluate, count, least)
    index = RULES[rule](levels)
    return Found(index if index < count else None, len(levels.scores), levels.scores)
