"""One program runs every study."""

from __future__ import annotations

import subprocess
import sys

import pytest
from places import ROOT

from jndlic.bench.studies.names import questions

STUDY = [sys.executable, str(ROOT / "tools" / "study.py")]


def test_studies_are_the_modules_that_can_be_run() -> None:
    found = questions()
    assert {"complexity", "demo", "roi", "speed"} <= set(found)
    assert not {"names", "foreign_map", "speed_worker"} & set(found)
    assert all(found.values())


def test_a_list_and_a_wrong_name() -> None:
    listed = subprocess.run(STUDY, capture_output=True, text=True, check=True, cwd=ROOT)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(questions())
    wrong = subprocess.run([*STUDY, "nothing"], capture_output=True, text=True, cwd=ROOT)
    assert (wrong.returncode, wrong.stderr) == (1, "no study nothing\n")


def test_a_study_goes_by_its_name() -> None:
    pytest.importorskip("matplotlib", reason="needs the [bench] extra")
    shown = subprocess.run(
        [*STUDY, "learning_curve", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert shown.stdout.startswith("usage: study.py learning_curve")
