"""The published results are those of the shipped weights, and all pages tell the same."""

from __future__ import annotations

import json

import pytest
from places import ROOT

from jndlic.runtime.weights_file import parameters_hash
from jndlic.shipped_weights import DEFAULT_WEIGHTS, shipped_weights

RESULTS = ROOT / "docs" / "results" / "benchmark.json"


@pytest.fixture(scope="module")
def summary() -> dict:
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def test_results_are_of_the_shipped_weights(summary: dict) -> None:
    """After a change of the weights, the command in docs/results.md makes the results anew."""
    digest = parameters_hash(shipped_weights(DEFAULT_WEIGHTS))
    assert summary["weights"]["jndlic"] and digest.startswith(summary["weights"]["jndlic"])
    for page in ("docs/results.md", "README.md"):
        assert summary["weights"]["jndlic"] in (ROOT / page).read_text(encoding="utf-8"), page


def test_pages_hold_the_figures(summary: dict) -> None:
    pages = [(ROOT / page).read_text(encoding="utf-8") for page in ("docs/results.md", "README.md")]
    sets = [summary, *summary.get("further_sets", [])]
    rates = [
        rate
        for one in sets
        for rate in one["bd_rates"]
        if rate["tested"] == "jndlic" and rate["metric"] == "ssimulacra2"
    ]
    assert len(rates) >= 4 * len(sets)
    for rate in rates:
        shown = f"{rate['rate']:+.1f} %".replace("-", "−")
        assert all(shown in page for page in pages), (rate["anchor"], shown)
    assert (ROOT / "docs" / "results" / "curves.png").is_file()
    assert summary["pictures"] == 24
