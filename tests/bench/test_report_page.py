"""The report in a browser: it loads without complaint, its curves are drawn and the line moves."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

for needed in ("torch", "matplotlib", "jinja2"):
    pytest.importorskip(needed, reason="needs the [bench] extra")

from jndlic.bench.report.layers import map_layer, pixel_layer, thumb
from jndlic.bench.report.page_builder import build_page
from jndlic.bench.report.tables import Table
from jndlic.bench.run.bdrate import Curve

BROWSER = next(
    (
        path
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (path := shutil.which(name))
    ),
    None,
)

PLAY = """
<script>
addEventListener("error", (event) => { document.title = "error: " + event.message; });
addEventListener("load", () => {
  const find = (id) => document.getElementById(id);
  const place = () => find("line").style.left + " " + find("over").style.clipPath;
  const report = { start: place() };
  find("slider").value = 250;
  find("slider").dispatchEvent(new Event("input"));
  report.slid = place();
  const stage = find("stage"), box = stage.getBoundingClientRect();
  stage.setPointerCapture = () => {};
  const point = (type, share) => stage.dispatchEvent(new PointerEvent(
    type, { pointerId: 1, clientX: box.left + share * box.width, clientY: box.top + 5 }
  ));
  point("pointerdown", 0.25); point("pointermove", 0.75); point("pointerup", 0.75);
  report.dragged = place();
  const before = stage.querySelector(".sheet").style.transform;
  stage.dispatchEvent(new WheelEvent(
    "wheel", { deltaY: -400, clientX: box.left + 50, clientY: box.top + 50 }
  ));
  report.zoomed = before !== stage.querySelector(".sheet").style.transform;
  find("right").value = 2;
  find("right").dispatchEvent(new Event("change"));
  report.right = find("right-name").textContent;
  find("thumbs").children[1].click();
  report.second = find("left-caption").textContent;
  const plot = () => document.querySelector("#plot svg").dataset.metric, first = plot();
  find("metrics").children[0].click();
  report.plots = [first, plot(), document.querySelectorAll("#plot path").length];
  document.title = "played " + JSON.stringify(report);
});
</script>
"""


@pytest.fixture(scope="module")
def page() -> str:
    random = np.random.default_rng(0)
    pictures = []
    for number in range(2):
        pixels = random.integers(0, 256, (60, 90, 3), dtype=np.uint8)
        layers = [
            pixel_layer("original", f"picture {number}", pixels),
            pixel_layer("ours", "</script> & co", 255 - pixels),
            map_layer("bits map", "bits", random.random((4, 6)), "magma", 16, 90),
        ]
        pictures.append(
            {
                "name": f"{number}.png",
                "width": 90,
                "height": 60,
                "thumb": thumb(pixels),
                "rates": [{"label": "about 1 bit", "layers": layers}],
            }
        )
    curves = [
        Curve(
            "ours",
            "with <b>",
            {
                "bpp": [0.1, 0.4, 1.0],
                "psnr-rgb": [25.0, 30.0, 35.0],
                "ssimulacra2": [10.0, 50.0, 80.0],
            },
        ),
        Curve(
            "theirs",
            "",
            {"bpp": [0.2, 0.8], "psnr-rgb": [26.0, float("inf")], "ssimulacra2": [20.0, 70.0]},
        ),
    ]
    published = [Curve("old", "", {"bpp": [0.2, 0.5], "psnr-rgb": [22.0, 28.0]})]
    table = Table("Figures {{data}}", "", ("a",), (("1",),))
    return build_page(
        "ours & theirs",
        "two pictures",
        curves,
        published,
        ["psnr-rgb", "ssimulacra2"],
        [table],
        {"ours": "with <b>"},
        pictures,
    )


def test_page_needs_nothing_else(page: str) -> None:
    assert not re.search(r"""(src|href)\s*=\s*["']?https?:""", page) and "@import" not in page
    assert "ours &amp; theirs" in page and "with &lt;b&gt;" in page and "Figures {{data}}" in page
    assert page.count("</script>") == 3  # the one in a caption does not count


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on PATH")
def test_page_in_a_browser(page: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        page.replace("<main>", PLAY + "<main>", 1), encoding="utf-8"
    )
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1200,900",
        "--virtual-time-budget=3000",
        "--enable-logging=stderr",
        "--dump-dom",
        (tmp_path / "page.html").as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "CONSOLE" not in done.stderr, [
        line for line in done.stderr.splitlines() if "CONSOLE" in line
    ]
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)[1]
    assert title.startswith("played "), title
    for wanted in (
        '"start":"50% inset(0px 0px 0px 50%)"',
        '"slid":"25% inset(0px 0px 0px 25%)"',
        '"dragged":"75% inset(0px 0px 0px 75%)"',
        '"zoomed":true',
        '"right":"bits map"',
        '"second":"picture 1"',
        '"plots":["ssimulacra2","psnr-rgb",3]',
    ):
        assert wanted in title, (wanted, title)
