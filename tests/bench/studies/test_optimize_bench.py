"""What searches save and what they cost: figures of `jndlic bench savings` and
`tools/study.py optimize_cost`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jndlic.bench.studies import optimize_cost, savings
from jndlic.bench.studies.savings import Searched, fixed_level, summarise, table
from jndlic.cli.main import main
from jndlic.images.picture import Picture
from jndlic.optimize.batch import Settings
from jndlic.optimize.predictors.profiles import profile

LOOK = profile("mcl-jci-50")


class Known:
    """Codec, session and judge in one: a picture's brightness is the coarsest level that is good,
    and a file is ten bytes a level.
    """

    name, smooth, highest, levels, real = "known", True, 9.0, tuple(range(1, 101)), True

    def __init__(self, bad: tuple[int, ...] = ()) -> None:
        self._bad = bad

    def session(self, picture: Picture) -> Known:
        made = Known(self._bad)
        made.reference = picture.pixels
        return made

    def view(self, level: int) -> np.ndarray:
        return np.full((4, 4, 3), level, np.uint8)

    def encode(self, level: int) -> bytes:
        return bytes([level]) * 10 * level

    def decode(self, data: bytes) -> np.ndarray:
        return self.view(data[0])

    def judge(self, reference: np.ndarray) -> Known:
        made = Known(self._bad)
        made.reference = reference
        return made

    def score(self, distorted: np.ndarray) -> float:
        level = int(distorted[0, 0, 0])
        return -1.0 if level in self._bad else float(level - int(self.reference[0, 0, 0]))


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Three whose coarsest good levels are 20, 40, 50, and one that no level satisfies."""
    paths = []
    for level in (20, 40, 50, 200):
        paths.append(tmp_path / f"{level}.png")
        Image.fromarray(np.full((4, 4, 3), level, np.uint8)).save(paths[-1])
    return paths


def case(known: Known) -> Settings:
    return Settings("known", known, known, LOOK, "bisect")


def searched(paths: list[Path], known: Known) -> list[Searched]:
    return [savings.search_picture(path, case(known)) for path in paths]


def test_savings_against_the_finest_and_the_fixed_level(pictures: list[Path]) -> None:
    known = Known()
    found = searched(pictures, known)
    assert [(one.level, one.bytes, one.reached) for one in found] == [
        (20, 200, True),
        (40, 400, True),
        (50, 500, True),
        (100, 1000, False),
    ]
    fixed = fixed_level(found, case(known))
    assert fixed == (50, 3, (500,) * 4)
    facts = summarise(found, fixed, case(known))
    assert (facts["pictures"], facts["satisfied"], facts["level-mean"]) == (4, 3, 52.5)
    assert facts["finest"]["saving-mean"] == pytest.approx((0.8 + 0.6 + 0.5 + 0.0) / 4)
    assert facts["fixed"]["saving-mean"] == pytest.approx((0.6 + 0.2 + 0.0 - 1.0) / 4)
    assert facts["fixed"]["saving-total"] == pytest.approx(1 - 2100 / 2000)
    assert "| known | 4 | 3 | not measured | 52.5 ± " in table([facts]).markdown()


def test_the_fixed_level_is_checked(pictures: list[Path]) -> None:
    found = searched(pictures[:3], Known())
    assert fixed_level(found, case(Known(bad=(50, 51))))[:2] == (52, 3)


def test_no_picture_is_satisfied(pictures: list[Path]) -> None:
    found = searched(pictures[3:], Known())
    assert fixed_level(found, case(Known())) is None
    facts = summarise(found, None, case(Known()))
    assert facts["fixed"] is None and facts["level-sd"] is None
    assert "n/a" in table([facts]).markdown()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rows, columns = np.mgrid[0:40, 0:50]
    for step in (2, 5):
        Image.fromarray(
            np.dstack([rows * step, columns * step, rows + columns]).astype(np.uint8)
        ).save(folder / f"{step}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    words = [
        "bench",
        "savings",
        str(folder),
        "--codec",
        "jpeg",
        "webp",
        "--out",
        str(tmp_path / "a.json"),
        "--markdown",
        str(tmp_path / "a.md"),
    ]
    assert main(words) == 1
    output, errors = capsys.readouterr()
    assert (
        "| jpeg | 2 | " in output and "| webp | 2 | " in output and errors.count("broken.png") == 2
    )
    facts = json.loads((tmp_path / "a.json").read_text())
    assert [one["codec"] for one in facts] == ["jpeg", "webp"] and facts[0]["files"][0][
        "path"
    ] == "2.png"
    assert facts[0]["fixed"]["satisfied"] >= facts[0]["satisfied"]
    page = (tmp_path / "a.md").read_text()
    assert "jndlic bench savings pictures --codec jpeg webp" in page and str(tmp_path) not in page


def test_a_large_photo_is_the_small_one_mirrored() -> None:
    small = Picture(np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8))
    made = optimize_cost.large(small, (16, 4)).pixels
    assert (
        made.shape == (4, 16, 3)
        and np.array_equal(made[:, :7], small.pixels[:4])
        and np.array_equal(made[:, 7:14], small.pixels[:4, ::-1])
    )


@pytest.mark.parametrize("codec", ["jpeg", "jndlic"])
def test_where_the_time_goes(
    tmp_path: Path, codec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(
        path
    )
    assert (
        optimize_cost.main(
            [str(path), "--size", "70", "50", "--codec", codec, "--out", str(tmp_path / "a.json")]
        )
        == 0
    )
    facts = json.loads((tmp_path / "a.json").read_text())
    assert facts == json.loads(capsys.readouterr().out)
    seconds = facts["seconds"]
    assert (
        seconds["total"] >= sum(seconds.values()) - seconds["total"] - 1e-6
        and facts["megapixels"] == 0.0035
    )
    assert {"open", "prepare", "encode", "decode", "judge"} <= set(seconds) and (
        "view" in seconds
    ) == (codec == "jndlic")
