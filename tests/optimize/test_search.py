"""Searches for the coarsest good level, on thresholds that are known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from jndlic.errors import ParameterError
from jndlic.optimize.search import RULES, Found, default_rule, search

LEVELS = 100
TRUTHS = range(15, 65)


def stepped(truth: int, wrong: np.ndarray | None = None) -> Callable[[int], float]:
    """Scores of levels that are good from `truth` on, and of the opposite where they are `wrong`;
    no level is asked twice.
    """
    asked: set[int] = set()

    def evaluate(index: int) -> float:
        assert 0 <= index < LEVELS and index not in asked
        asked.add(index)
        return 3.0 if (index >= truth) != (wrong is not None and bool(wrong[index])) else -3.0

    return evaluate


def found(rule: str, truth: int, wrong: np.ndarray | None = None) -> Found:
    return search(rule, stepped(truth, wrong), LEVELS, 0.0)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("truth", [0, 1, 2, 3, 50, 97, 98, 99])
def test_exact_at_both_ends(rule: str, truth: int) -> None:
    assert found(rule, truth).index == truth


@pytest.mark.parametrize(
    ("rule", "most", "mean"),
    [("bisect", 7, 7), ("binary-block", 29, 26.5), ("binary-block-paper", 40, 32)],
)
def test_exact_without_errors(rule: str, most: int, mean: float) -> None:
    results = [found(rule, truth) for truth in TRUTHS]
    assert [result.index for result in results] == list(TRUTHS)
    counts = [result.evaluations for result in results]
    assert max(counts) <= most and np.mean(counts) <= mean


def mean_error(rule: str, share: float) -> float:
    """Mean absolute error in levels where a share of all labels is wrong."""
    errors = []
    for truth in TRUTHS:
        for seed in range(40):
            wrong = np.random.default_rng([seed, truth]).random(LEVELS) < share
            index = found(rule, truth, wrong).index
            errors.append(abs((LEVELS if index is None else index) - truth))
    return float(np.mean(errors))


def test_the_vote_stands_wrong_labels() -> None:
    error = mean_error("binary-block", 0.05)
    assert error < 1.0
    assert error < mean_error("binary-block-paper", 0.05) < 7.0


def test_sliding_window_stops_early_and_passes_over_a_single_error() -> None:
    wrong = np.zeros(LEVELS, bool)
    wrong[80] = True
    result = found("sliding-window", 60, wrong)
    assert result.index == 60 and result.evaluations < 50


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("bad", [-9.0, math.nan])
def test_none_is_good(rule: str, bad: float) -> None:
    result = search(rule, lambda _: bad, LEVELS, 0.0)
    assert result.index is None and LEVELS - 1 in result.scores
    assert not any(math.isnan(score) for score in result.scores.values())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("count", [1, 2, 5, 12, 13, 99])
def test_all_are_good_and_any_number_of_levels_will_do(rule: str, count: int) -> None:
    assert search(rule, lambda _: 9.0, count, 0.0).index == 0
    assert search(rule, lambda _: -9.0, count, 0.0).index is None
    for truth in {0, count // 2, count - 1}:
        found = search(rule, lambda index, truth=truth: 9.0 if index >= truth else -9.0, count, 1.0)
        assert found.index == truth


@pytest.mark.parametrize("rule", RULES)
def test_chance_never_traps_a_search(rule: str) -> None:
    for seed in range(200):
        scores = np.random.default_rng(seed).normal(size=LEVELS)
        index = search(rule, lambda level, scores=scores: float(scores[level]), LEVELS, 0.0).index
        assert index is None or 0 <= index < LEVELS


def test_wrong_calls() -> None:
    with pytest.raises(ParameterError, match="binary-block"):
        search("linear", lambda _: 0.0, 3, 0.0)
    with pytest.raises(ParameterError, match="no levels"):
        search("bisect", lambda _: 0.0, 0, 0.0)


def test_default_rules() -> None:
    assert (default_rule(True), default_rule(False)) == ("bisect", "binary-block")
