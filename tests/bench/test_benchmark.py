"""The benchmark: rows, resuming, failures, BD-rates with their spread, and what is written."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from fake_program import program
from PIL import Image

for needed in ("torch", "bjontegaard", "jinja2", "matplotlib", "scipy", "ssimulacra2"):
    pytest.importorskip(needed, reason="needs the [bench] extra")

from jndlic.bench import benchmark
from jndlic.bench.report import publish
from jndlic.bench.report.findings import Findings, Study
from jndlic.bench.report.page_builder import section
from jndlic.bench.report.reports import write_pages, write_reports
from jndlic.bench.report.summary import compare_all, spread_of
from jndlic.bench.report.tables import Table, grids, percent
from jndlic.bench.run import footprint, measure
from jndlic.bench.run.bdrate import Curve
from jndlic.bench.run.measure import Measurer, Setup, Task
from jndlic.bench.run.pool import measure_all
from jndlic.bench.run.rows import Opened, group, read_rows, write_rows
from jndlic.bench.run.store import Store, entry_key, pixels_digest
from jndlic.bench.run.usable_metrics import usable_metrics
from jndlic.cli.main import main as cli
from jndlic.errors import MetricError, ParameterError
from jndlic.metrics.registry import MARK, MARK_NOTE

BREAKS = (
    "import os, sys, shutil, signal\n"
    "if sys.argv[1] == 'version': print('1'); sys.exit()\n"
    "if sys.argv[1] == '3': sys.exit('no such level')\n"
    "if sys.argv[1] == '5': os.kill(os.getppid(), signal.SIGKILL)\n"
    "shutil.copy(sys.argv[2], sys.argv[3])\n"
)


@pytest.fixture()
def pictures(tmp_path: Path, photo: np.ndarray) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, corner in enumerate((0, 120, 240)):
        Image.fromarray(photo[corner : corner + 80, corner : corner + 112]).save(
            folder / f"{number}.png"
        )
    return folder


def bench(words: list[str]) -> int:
    return cli(["bench", *words])


def setup_of(tmp_path: Path, *metrics: str) -> Setup:
    return Setup(metrics or ("psnr-rgb",), None, tmp_path / "cache", 1)


def test_what_was_measured_is_not_measured_again(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task(pictures / "0.png", "jpeg", 50)
    first = Measurer(setup_of(tmp_path)).measure(task)
    pixels = np.asarray(Image.open(task.image))
    assert first["bpp"] == 8 * int(first["bytes"]) / (80 * 112)
    assert Store(tmp_path / "cache").file(str(first["key"])).stat().st_size == first["bytes"]

    again = Measurer(setup_of(tmp_path))
    monkeypatch.setattr(measure, "code", lambda *_: pytest.fail("encoded again"))
    assert again.measure(task) == first
    more = Measurer(setup_of(tmp_path, "psnr-rgb", "ssimulacra2"))
    row = more.measure(task)  # a new metric needs no new file
    assert row["psnr-rgb"] == first["psnr-rgb"] and -100 < float(row["ssimulacra2"]) < 100
    keys = {
        entry_key(pixels_digest(picture), settings, level)
        for picture in (pixels, pixels[:-1])
        for settings in ("a", "b")
        for level in (1, 2)
    }
    assert len(keys) == 8  # picture, settings and level all count


def test_a_metric_that_fails_takes_no_other_with_it(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: np.ndarray) -> float:
        raise MetricError("no program")

    task = Task(pictures / "0.png", "jpeg", 60)
    measurer = Measurer(setup_of(tmp_path, "psnr-rgb", "grid-visibility"))
    monkeypatch.setitem(measurer._metrics, "grid-visibility", failing)
    with pytest.raises(MetricError):
        measurer.measure(task)
    counted = []
    once_more = Measurer(setup_of(tmp_path, "psnr-rgb"))
    monkeypatch.setitem(once_more._metrics, "psnr-rgb", lambda *_: counted.append(1) or 0.0)
    assert once_more.measure(task)["psnr-rgb"] > 20.0
    assert not counted


def test_what_a_metric_lacks_is_said_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MetricError, match="butteraugli_main"):
        usable_metrics(["psnr-rgb", "butteraugli-3norm"], None)


def test_a_damaged_entry_counts_as_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(
        "abc", {"bytes": 3, "metrics": {"psnr-rgb": {"value": math.inf, "by": "x"}}}, b"xyz"
    )
    assert float(store.read("abc")["metrics"]["psnr-rgb"]["value"]) == math.inf
    store.file("abc").write_bytes(b"xy")
    assert store.read("abc") is None
    store.file("abc").with_suffix(".json").write_text("{")
    assert store.read("abc") is None and store.read("other") is None


def test_a_failure_costs_only_its_own_row(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Level 3 makes the program fail, level 5 takes the whole process down."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    program(tmp_path, "breaks", BREAKS)
    file = tmp_path / "breaks.json"
    file.write_text(
        json.dumps(
            {
                "name": "breaks",
                "levels": [1],
                "encode": "breaks {level} {input} {output}",
                "decode": "breaks 0 {input} {output}",
            }
        )
    )
    codec = f"program:file={file}"
    tasks = [Task(pictures / "0.png", codec, level) for level in (1, 3, 5, 7)]
    rows = {row["level"]: row for row in measure_all(tasks, setup_of(tmp_path), jobs=2)}
    assert sorted(rows) == [1, 3, 5, 7]
    assert rows[1]["psnr-rgb"] == rows[7]["psnr-rgb"] == math.inf
    assert "no such level" in str(rows[3]["error"]) and "exit code -9" in str(rows[5]["error"])
    assert "nothere.png" in str(
        next(iter(measure_all([Task(Path("nothere.png"), "jpeg", 1)], setup_of(tmp_path), 1)))[
            "error"
        ]
    )


def test_rows_on_disk_and_in_groups(tmp_path: Path) -> None:
    rows = [
        {
            "image": image,
            "codec": "jpeg",
            "level": level,
            "bytes": 10 * level,
            "bpp": level / 8,
            "psnr-rgb": 30.0 + level,
            "key": "k",
        }
        for image in ("a.png", "b.png")
        for level in (2, 1)
    ]
    rows[-1] = {"image": "b.png", "codec": "jpeg", "level": 1, "error": "out\tof luck"}
    write_rows(tmp_path / "rows.tsv", rows)
    assert read_rows(tmp_path / "rows.tsv") == rows
    codec = Opened("jpeg", "JPEG", "libjpeg", (1, 2), "")
    measured = group(rows, codec)
    # Level 1 lacks a picture
    assert measured.levels == (2,) and measured.images == ("a.png", "b.png")
    assert measured.curve().results["psnr-rgb"] == [32.0]
    assert group(rows[-1:], codec) is None


def test_spread_over_pictures() -> None:
    spread = spread_of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert (spread.mean, spread.pictures) == (3.5, 6)
    assert spread.deviation == pytest.approx(math.sqrt(3.5))
    # the normal interval is 3.5 +- 1.96 sqrt(3.5 / 6) = 2.0 .. 5.0; the bootstrap's is near
    assert spread.low == pytest.approx(2.1, abs=0.35) and spread.high == pytest.approx(
        4.9, abs=0.35
    )
    assert math.isnan(spread_of([1.0, 2.0]).low) and math.isnan(spread_of([]).mean)


def test_half_the_bits_in_every_picture() -> None:
    def rows(codec: str, factor: float) -> list[dict]:
        return [
            {
                "image": image,
                "codec": codec,
                "level": level,
                "bytes": 1,
                "bpp": factor * level * scale,
                "psnr-rgb": 20.0 + 3 * level,
            }
            for image, scale in (("a", 1.0), ("b", 3.0))
            for level in (1, 2, 4)
        ]

    full, half = (
        group(rows(name, factor), Opened(name, name, "", (1, 2, 4), ""))
        for name, factor in (("full", 1.0), ("half", 0.5))
    )
    (found,) = compare_all(full, half, ["psnr-rgb"])
    assert (
        found.rate == pytest.approx(-50.0)
        and found.spread.mean == pytest.approx(-50.0)
        and found.spread.pictures == 2
    )
    published = Curve("elsewhere", "", {"bpp": [10.0, 20.0], "psnr-rgb": [50.0, 60.0]})
    (apart,) = compare_all(published, half, ["psnr-rgb"])
    assert math.isnan(apart.rate) and apart.spread is None and percent(apart.rate) == "n/a"
    assert percent(-12.34) == "−12.3 %"


def test_all_that_is_written(
    pictures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))  # no vvencapp
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{publish.BEGIN}\nold\n{publish.END}\nafter\n")
    (tmp_path / "other.json").write_text(
        json.dumps({"name": "other, 1.0", "results": {"bpp": [0.2, 4.0], "psnr-rgb": [20.0, 40.0]}})
    )
    arguments = [
        "bench",
        "pictures",
        "--codecs",
        "jndlic@30,90",
        "jpeg@20,80",
        "vvc",
        "--metrics",
        "psnr-rgb,ssimulacra2",
        "--jobs",
        "2",
        "--out",
        "out",
        "--curves",
        "other.json",
        "--markdown",
        "results.md",
        "--readme",
        "README.md",
        "--report-pictures",
        "2",
    ]
    assert cli(arguments) == 1  # of the missing program; the rest is there all the same
    said = capsys.readouterr()
    assert "vvencapp is not on PATH" in said.err and "| JPEG |" in said.out
    rows = read_rows(Path("out/rows.tsv"))
    assert len(rows) == 3 * 2 * 2 and not any("error" in row for row in rows)
    summary = json.loads(Path("out/benchmark.json").read_text())
    jpeg = next(curve for curve in summary["curves"] if curve["name"] == "JPEG")
    own = [float(row["bpp"]) for row in rows if row["codec"] == "jpeg@20,80" and row["level"] == 20]
    assert jpeg["results"]["bpp"][0] == pytest.approx(np.mean(own), abs=1e-4)
    assert json.loads(Path("out/curves/jndlic.json").read_text())["results"]["quality"] == [
        30.0,
        90.0,
    ]
    footprints = summary["footprints"]["jndlic"]
    assert all(
        footprints[job]["seconds"] > 0 and 0 <= footprints[job]["peak"] < 4e8
        for job in footprint.JOBS
    )
    assert {rate["anchor"] for rate in summary["bd_rates"]} == {"JPEG", "other (published)"}
    for name in ("curves.png", "curves.svg", "report.html"):
        assert Path("out", name).stat().st_size > 1000
    page = Path("results.md").read_text()
    assert (
        "results/curves.png" in page
        and Path("results/curves.png").is_file()
        and summary["weights"]["jndlic"] in page
    )
    text = readme.read_text()
    assert (
        text.startswith(f"before\n{publish.BEGIN}\n")
        and text.endswith(f"{publish.END}\nafter\n")
        and "old" not in text
    )
    assert (
        percent(
            next(rate["rate"] for rate in summary["bd_rates"] if rate["metric"] == "ssimulacra2")
        )
        in text
    )


def test_several_sets_and_kinds_of_pictures(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "others").mkdir()
    for number in (3, 4):
        Image.open(pictures / f"{number - 3}.png").rotate(180).save(
            tmp_path / "others" / f"{number}.png"
        )
    Path("kinds.json").write_text(
        json.dumps({"3.png": "text", "4.png": "people", "elsewhere.png": "night"})
    )
    Path("README.md").write_text(f"{publish.BEGIN}\n{publish.END}\n")
    arguments = [
        "pictures",
        "others",
        "--codecs",
        "jpeg@20,50,80",
        "webp@20,50,80",
        "--metrics",
        "psnr-rgb,grid-visibility",
        "--jobs",
        "1",
        "--out",
        "out",
        "--no-speed",
        "--report-pictures",
        "2",
        "--kinds",
        "kinds.json",
        "--markdown",
        "results.md",
        "--readme",
        "README.md",
    ]
    assert bench(arguments) == 0
    rows = read_rows(Path("out/rows.tsv"))
    assert [(row["set"], row["image"]) for row in rows[::6]] == [
        ("pictures", f"{n}.png") for n in range(3)
    ] + [("others", "3.png"), ("others", "4.png")]

    summary = json.loads(Path("out/benchmark.json").read_text())
    (further,) = summary["further_sets"]
    assert (summary["set"], summary["pictures"], further["set"], further["pictures"]) == (
        "pictures",
        3,
        "others",
        2,
    )
    assert (
        list(further["bd_rates_by_kind"]) == ["people (1)", "text (1)"]
        and not summary["bd_rates_by_kind"]
    )
    # A grid has no bits at equal quality
    assert {rate["metric"] for rate in summary["bd_rates"]} == {"psnr-rgb"}
    webp, text = (
        [row for row in rows if row["image"] == "3.png" and row["codec"].startswith(name)]
        for name in ("webp", "jpeg")
    )
    alone = compare_all(
        *(group(own, Opened(own[0]["codec"], own[0]["codec"], "", (), "")) for own in (webp, text)),
        ["psnr-rgb"],
    )
    assert further["bd_rates_by_kind"]["text (1)"][0]["rate"] == pytest.approx(
        alone[0].rate, abs=0.1
    )

    page, readme = Path("results.md").read_text(), Path("README.md").read_text()
    assert (
        page.index("## pictures") < page.index("## others") < page.index("| text (1) | WebP |")
        and "--kinds kinds.json" in page
    )
    # Two codecs, two sets
    assert (
        page.count("Visibility of the grid") == 2
        and page.count("grid visibility ↓") == 4
        and "±" not in page.split("operating points")[-1]
    )
    for one in (summary, further):
        assert percent(one["bd_rates"][0]["rate"]) in readme
    assert (
        readme.count("| against |") == 2
        and readme.count("| level |") == 1
        and MARK not in page + readme
    )
    assert (
        Path("out/curves/others/webp.json").is_file()
        and "others: All codecs" in Path("out/report.html").read_text()
    )


def _said(capsys: pytest.CaptureFixture[str]) -> str:
    """The line on what --known has brought."""
    lines = capsys.readouterr().err.replace("\r", "\n").splitlines()
    (line,) = [line for line in lines if "--known" in line]
    return line


def test_known_rows_are_measured_nowhere_again(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    rest = ["--metrics", "psnr-rgb", "--no-speed", "--jobs", "1", "--report-pictures", "0"]

    def measured(out: str, codecs: list[str], known: Path | None = None) -> list[measure.Row]:
        more = ["--known", str(known)] if known else []
        words = [str(pictures), "--codecs", *codecs, "--out", str(tmp_path / out), *rest, *more]
        assert bench(words) == 0
        return read_rows(tmp_path / out / "rows.tsv")

    tasks: list[Task] = []
    begun = benchmark.measure_all

    def watched(missing: list[Task], *others: object) -> object:
        tasks.extend(missing)
        return begun(missing, *others)

    monkeypatch.setattr(benchmark, "measure_all", watched)
    first = measured("first", ["jpeg@50"])
    assert len(tasks) == 3 and "--known" not in capsys.readouterr().err
    table = tmp_path / "first" / "rows.tsv"
    again = measured("second", ["jpeg@50,80"], table)
    assert _said(capsys) == (
        f"jndlic: --known {table}: 3 of 6 files have their figures from there; 3 not: no such "
        "pixels, settings and level in it"
    )
    assert [task.level for task in tasks[3:]] == [80] * 3
    old = [row for row in again if row["level"] == 50]
    for mine, theirs in zip(old, first, strict=True):
        assert mine["psnr-rgb"] == theirs["psnr-rgb"] and mine["bytes"] == theirs["bytes"]
        assert "encode-seconds" in theirs and "encode-seconds" not in mine
    curve = json.loads((tmp_path / "second" / "curves" / "jpeg.json").read_text())["results"]
    assert "encode-seconds" not in curve and len(curve["bpp"]) == 2

    # Another picture, or another version of the package, is another figure
    Image.open(pictures / "0.png").rotate(180).save(pictures / "0.png")
    measured("third", ["jpeg@50"], table)
    assert [task.image.name for task in tasks[6:]] == ["0.png"]
    table.write_text(table.read_text().replace(str(first[0]["made-by"]), "other"))
    capsys.readouterr()
    measured("fourth", ["jpeg@50"], table)
    assert len(tasks) == 10
    assert _said(capsys).endswith(
        "0 of 3 files have their figures from there; 2 not: its metrics are by other versions than "
        "those here; 1 not: no such pixels, settings and level in it"
    )
    # Of before there was this column, and of fewer metrics
    old = tmp_path / "old.tsv"
    old.write_text(
        "".join(f"{line.rsplit(chr(9), 1)[0]}\n" for line in table.read_text().splitlines())
    )
    measured("old", ["jpeg@50"], old)
    assert "2 not: it does not say by which versions" in _said(capsys)
    old.write_text(
        "".join(f"{line.rsplit(chr(9), 2)[0]}\n" for line in table.read_text().splitlines())
    )
    measured("older", ["jpeg@50"], old)
    assert "3 not: it has no keys of files" in _said(capsys)
    rest[1] = "psnr-rgb,grid-visibility"
    measured("fewer", ["jpeg@50"], tmp_path / "first" / "rows.tsv")
    assert "0 of 3 files" in _said(capsys)
    rest[1] = "psnr-rgb"
    del tasks[10:]

    # Of metrics that are not asked for nothing stays, so that others know these rows in turn
    rest[1] = "psnr-rgb,grid-visibility"
    measured("more", ["jpeg@50"])
    rest[1] = "psnr-rgb"
    for number, table in enumerate(("more", "fifth")):
        rows = measured(("fifth", "sixth")[number], ["jpeg@50"], tmp_path / table / "rows.tsv")
        assert len(tasks) == 13 and "grid-visibility" not in rows[0]

    words = [str(pictures), "--codecs", "jpeg@50", "--out", str(tmp_path / "out"), *rest]
    table = tmp_path / "cut.tsv"
    table.write_bytes((tmp_path / "first" / "rows.tsv").read_bytes()[:-60])
    assert bench([*words, "--known", str(table)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert bench([*words, "--known", str(tmp_path / "absent.tsv")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert bench([*words[:-1], "1", "--known", str(table)]) == 2
    assert "--report-pictures 0" in capsys.readouterr().err


def test_sets_and_kinds_that_do_not_fit(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "twin").mkdir()
    Image.open(pictures / "1.png").save(tmp_path / "twin" / "1.png")
    (tmp_path / "kinds.json").write_text('{"elsewhere.png": "night"}')
    (tmp_path / "broken.json").write_text('{"1.png": 3}')
    rest = ["--codecs", "jpeg@50", "--metrics", "psnr-rgb", "--out", str(tmp_path / "out")]
    for wrong, reason in (
        ([str(pictures), str(tmp_path / "twin")], "same name: 1.png"),
        ([str(pictures), str(pictures)], "two sets have the name"),
        ([str(pictures), "--kinds", str(tmp_path / "kinds.json")], "no set has"),
        ([str(pictures), "--kinds", str(tmp_path / "broken.json")], "one object"),
        ([str(pictures), "--kinds", str(tmp_path / "nothing.json")], "cannot be read"),
    ):
        assert bench([*wrong, *rest]) == 2
        assert reason in capsys.readouterr().err


def test_metrics_of_the_loss_are_marked_and_left_out_of_the_summary(tmp_path: Path) -> None:
    def rows(codec: str, psnr: float, haarpsi: float) -> list[dict]:
        return [
            {
                "image": image,
                "codec": codec,
                "level": level,
                "width": 1,
                "height": 1,
                "bytes": level,
                "bpp": float(level),
                "psnr-rgb": 20.0 + 3 * level * psnr,
                "haarpsi": 0.1 * level * haarpsi,
            }
            for image in "ab"
            for level in (1, 2, 4)
        ]

    ours = group(
        rows("webp", 2.0, 1.0),
        Opened("webp", "ours", "", (1, 2, 4), "abc", ("psnr-rgb", "lpips-squeeze")),
    )
    theirs = group(rows("jpeg", 1.0, 2.0), Opened("jpeg", "theirs", "", (1, 2, 4), ""))
    found = Findings(
        "set", [Path("set/a"), Path("set/b")], [ours, theirs], [], "theirs", ["psnr-rgb", "haarpsi"]
    )
    (judged,) = (one.rate for one in found.against_tested if one.metric == "haarpsi")
    assert judged > 50.0  # and PSNR says the opposite
    assert (
        found.summary == "Bits of ours at equal quality by the metrics in no loss (HaarPSI): "
        f"{percent(judged)} against theirs."
    )
    study = Study([found], [], "command", "machine")
    (tmp_path / "README.md").write_text(f"{publish.BEGIN}{publish.END}")
    write_pages(study, tmp_path / "results.md", tmp_path / "README.md")
    write_reports(study, tmp_path, 0, [])
    page, report = (tmp_path / "results.md").read_text(), (tmp_path / "report.html").read_text()
    for text in (page, (tmp_path / "README.md").read_text()):
        assert text.count(MARK_NOTE) == 1 and found.summary in text
        assert f"PSNR of RGB, dB{MARK} ↑" in text and f"HaarPSI{MARK}" not in text
    assert f"PSNR of RGB, dB{MARK}: higher is better" in page and page.count("\n## ") == 6
    assert MARK_NOTE in report and "dB\\u2020" in report  # the script's data are ASCII
    assert (
        f"dB{MARK}" in (tmp_path / "curves.svg").read_text()
        and MARK_NOTE[:30] in (tmp_path / "curves.svg").read_text()
    )
    assert json.loads((tmp_path / "benchmark.json").read_text())["trained_on"] == {
        "ours": ["psnr-rgb", "lpips-squeeze"]
    }


def test_grid_at_rates_near_each_other() -> None:
    rows = [
        {
            "image": image,
            "codec": "jpeg",
            "level": level,
            "bytes": level,
            "bpp": level / 100 * scale,
            "grid-visibility": 2.0 - level / 100 * scale,
        }
        for image, scale in (("a", 0.5), ("b", 1.5))
        for level in (13, 19, 50, 300)
    ]
    table = grids([group(rows, Opened("jpeg", "JPEG", "", (13, 19, 50, 300), ""))])
    assert table.columns[1:] == ("about 0.1 bpp", "about 0.2 bpp", "about 0.4 bpp", "about 0.8 bpp")
    assert table.rows == (
        (
            "JPEG",
            "1.87\nlevel 13, 0.130 bpp",
            "1.81\nlevel 19, 0.190 bpp",
            "1.50\nlevel 50, 0.500 bpp",
            "n/a",
        ),
    )


def test_wrong_wishes(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert bench([str(pictures), "--codecs", "jpegg", *out]) == 2
    assert (
        bench(
            [str(pictures), "--codecs", "jpeg", "--anchor", "avif", "--metrics", "psnr-rgb", *out]
        )
        == 2
    )
    assert bench([str(pictures), "--metrics", "vmaf", *out]) == 2
    for few in ("--jobs", "--threads"):
        assert bench([str(pictures), few, "0", *out]) == 2
    assert bench([str(tmp_path / "nothing"), *out]) == 1
    assert bench([str(pictures), "--codecs", "vvc:preset=slow", "--metrics", "psnr-rgb", *out]) == 1
    assert "no codec can be used" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        bench([str(pictures), "--report-rates", "a", *out])
    with pytest.raises(ParameterError, match="needs the lines"):
        publish.refreshed("no marks", [])


def test_an_interruption_keeps_what_is_there(
    pictures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measure = benchmark.measure_all

    def interrupted(*arguments: object):
        yield next(measure(*arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(benchmark, "measure_all", interrupted)
    assert (
        bench(
            [
                str(pictures),
                "--codecs",
                "jpeg@50",
                "--metrics",
                "psnr-rgb",
                "--jobs",
                "1",
                "--out",
                str(tmp_path / "out"),
            ]
        )
        == 130
    )
    assert "interrupted" in capsys.readouterr().err
    assert list((tmp_path / "out" / "cache").rglob("*.json"))


def test_memory_of_a_codec_and_of_a_program(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that takes 200 MiB, and a library that takes next to nothing."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    program(
        tmp_path,
        "heavy",
        "import sys, shutil\nkept = bytearray(200 << 20)\nshutil.copy(*sys.argv[1:])\n",
    )
    file = tmp_path / "heavy.json"
    file.write_text(
        json.dumps(
            {
                "name": "heavy",
                "levels": [1],
                "encode": "heavy {input} {output}",
                "decode": "heavy {input} {output}",
            }
        )
    )
    heavy = footprint.footprints(f"program:file={file}", pictures / "0.png", 1)
    light = footprint.footprints("jpeg", pictures / "0.png", 50)
    for job in footprint.JOBS:
        assert 200 << 20 < heavy[job].peak < 300 << 20 and 0 <= light[job].peak < 30 << 20
        assert heavy[job].seconds > light[job].seconds > 0


def test_markdown_of_a_table() -> None:
    table = Table("T", "", ("a", "b"), (("1|2", "x\ny"), ("<i>", "")))
    assert table.markdown() == "| a | b |\n| --- | --- |\n| 1\\|2 | x<br>y |\n| <i> |  |"
    assert "<td>1|2</td><td>x<small>y</small></td>" in section(
        table
    ) and "<td>&lt;i&gt;</td>" in section(table)
