"""The report and the comparison in a browser: they load without complaint, curves are drawn, the
line moves, versions flicker, and what lies over a picture has the right colours.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

for needed in ("torch", "matplotlib", "jinja2"):
    pytest.importorskip(needed, reason="needs the [bench] extra")

from jndlic.bench.report.layers import map_layer, pixel_layer, thumb
from jndlic.bench.report.page_builder import build_comparison, build_page
from jndlic.bench.report.tables import Table
from jndlic.bench.run.bdrate import Curve

BROWSER = next(
    (
        path
        for name in ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
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


LOOK = """
<script>
addEventListener("error", (event) => { document.title = "error: " + event.message; });
addEventListener("load", () => {
  const find = (id) => document.getElementById(id);
  const press = (key, target = document.body, more = {}) => target.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, ...more })
  );
  const sheets = () => [...document.querySelectorAll(".sheet")].map((one) => one.style.transform);
  const seen = () => ["under", "over"].filter((id) => find(id).style.visibility === "visible");
  const pressed = () => [...document.querySelectorAll(".group [aria-pressed=true]")].map(
    (button) => button.textContent
  );
  const report = { start: pressed() };
  press("f"); report.flicker = seen();
  document.querySelector("[data-view=flicker]").click(); report.swapped = seen();
  press(" ", find("stage")); report.again = seen();
  press("8");
  report.eight = [
    pressed(),
    sheets()[0].match(/scale\\((.*)\\)/)[1],
    find("under").querySelector("img").style.imageRendering,
  ];
  press("b");
  report.beside = [pressed()[0], seen().length, sheets()[0] === sheets()[1]];
  const before = sheets();
  press("ArrowLeft", find("stage"), { shiftKey: true });
  report.panned = [before[0] !== sheets()[0], sheets()[0] === sheets()[1]];
  press("o"); report.map = [find("overlay").value, document.querySelectorAll(".cover").length];
  report.legend = [find("low").textContent, find("top").textContent, find("scale").hidden];
  press("o"); report.none = document.querySelectorAll(".cover").length;
  find("rate").value = 1; find("rate").dispatchEvent(new Event("change"));
  report.rate = find("right-caption").textContent;
  press("n", find("left")); report.typed = find("right-name").textContent;
  press("n"); report.next = find("right-name").textContent;
  document.title = "played " + JSON.stringify(report);
});
</script>
"""

ERROR = """
<script>
addEventListener("load", () => {
  const stage = document.getElementById("stage");
  document.body.replaceChildren(document.getElementById("see"));
  Object.assign(stage.style, { position: "fixed", left: 0, top: 0, borderRadius: 0, zIndex: 9 });
  for (const key of "b8e") {
    document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  }
});
</script>
"""


def played(page: Path, *how: str) -> str:
    """The title that a page has given itself; nothing may have been complained of."""
    command = [
        str(BROWSER),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={page.parent / 'profile'}",
        "--window-size=1200,900",
        "--virtual-time-budget=3000",
        "--enable-logging=stderr",
        *how,
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "CONSOLE" not in done.stderr, [
        line for line in done.stderr.splitlines() if "CONSOLE" in line
    ]
    if "--dump-dom" not in how:
        return ""
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)[1]
    assert title.startswith("played "), title
    return title


@pytest.fixture(scope="module")
def comparison() -> str:
    """A grey picture, and one that differs from it by 10 levels of red."""
    grey = np.full((96, 96, 3), 100, dtype=np.uint8)
    redder = grey + np.array([10, 0, 0], dtype=np.uint8)
    original = pixel_layer("original", "", grey)
    bits = map_layer("bits map", "bits", np.arange(36.0).reshape(6, 6), "magma", 16, 96)
    rates = [
        {"label": name, "layers": [original, pixel_layer("ours", f"file {name}", redder), bits]}
        for name in "ab"
    ]
    picture = {"name": "x", "width": 96, "height": 96, "thumb": thumb(grey), "rates": rates}
    return build_comparison("two & more", "", [], {"ours": "its <settings>"}, [picture])


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
    title = played(tmp_path / "page.html", "--dump-dom")
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


def test_comparison_needs_nothing_else(comparison: str) -> None:
    assert not re.search(r"""(src|href)\s*=\s*["']?https?:""", comparison)
    assert "two &amp; more" in comparison and "its &lt;settings&gt;" in comparison
    assert comparison.count("data:image/webp;base64,") == 4  # two versions, a map, a thumb


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on PATH")
def test_comparison_in_a_browser(comparison: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        comparison.replace("<main>", LOOK + "<main>", 1), encoding="utf-8"
    )
    report = json.loads(played(tmp_path / "page.html", "--dump-dom").removeprefix("played "))
    assert report == {
        "start": ["line", "all"],
        "flicker": ["under"],
        "swapped": ["over"],
        "again": ["under"],
        "eight": [["flicker", "8×"], "8", "pixelated"],
        "beside": ["side by side", 2, True],
        "panned": [True, True],
        "map": ["bits map", 2],
        "legend": ["0", "34.8", False],
        "none": 0,
        "rate": "file b",
        "typed": "ours",
        "next": "bits map",
    }


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on PATH")
def test_error_is_the_difference_amplified(comparison: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        comparison.replace("<main>", ERROR + "<main>", 1), encoding="utf-8"
    )
    played(tmp_path / "page.html", f"--screenshot={tmp_path / 'shot.png'}")
    with Image.open(tmp_path / "shot.png") as shot:
        colours = [shot.convert("RGB").getpixel((x, 300)) for x in (300, 900)]
    assert colours == [(0, 0, 0), (80, 0, 0)]
