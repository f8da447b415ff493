"""The wheel: complete, and at work from any folder without the repository."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from places import ROOT

import jndlic
from jndlic.shipped_weights import PREDICTORS

SOURCES = ("setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE", "jndlic", "weights")
"""All that a wheel is made of."""

PROGRAM = """
import sys
from pathlib import Path

import numpy as np

import jndlic
from jndlic.shipped_weights import shipped_names, shipped_weights

installed = Path(sys.argv[1]).resolve()
assert installed in Path(jndlic.__file__).resolve().parents, jndlic.__file__
assert shipped_names()
assert all(installed in shipped_weights(name).resolve().parents for name in shipped_names())

rows, columns = np.mgrid[0:65, 0:90]
picture = np.stack((2 * rows, 2 * columns, rows + columns), 2).astype(np.uint8)
data = jndlic.encode(picture, quality=60)
facts = jndlic.info(data)
assert (facts["width"], facts["height"], facts["quality"]) == (90, 65, 60), facts
restored = jndlic.decode(data)
assert (restored.mode, restored.size) == ("RGB", (90, 65))
error = np.mean((np.asarray(restored).astype(float) - picture) ** 2)
assert error < 100.0, error
Path("picture.jlic").write_bytes(data)
"""


def settings() -> configparser.ConfigParser:
    """setup.cfg."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy: building in place leaves folders behind, and old ones would leak
    into it.
    """
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, source / name)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source))
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with nothing but the installed wheel."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-index", "--target", str(folder), str(wheel))
    return folder


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def run_elsewhere(command: list[str], installed: Path, folder: Path) -> str:
    """Runs a command in a folder that holds no code, with the installed wheel before everything
    else.
    """
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_folder_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "jndlic").rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]


def test_no_folder_takes_the_place_of_the_shipped_weights() -> None:
    # shipped_folder() would take jndlic/shipped for an installed wheel's.
    assert not (ROOT / "jndlic" / "shipped").exists()


def test_version_stands_in_one_place() -> None:
    assert settings()["metadata"]["version"] == "attr: jndlic.__version__"


def test_constraints_fit_the_requirements() -> None:
    from packaging.requirements import Requirement

    pins: dict[str, list[Requirement]] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            pins.setdefault(pin.name, []).append(pin)
    extras = settings()["options.extras_require"]
    wanted = [settings()["options"]["install_requires"], *(extras[name] for name in extras)]
    for line in "\n".join(wanted).splitlines():
        if not line or line.startswith("jndlic["):
            continue
        requirement = Requirement(line)
        for pin in pins.get(requirement.name, []):
            (specifier,) = pin.specifier
            assert requirement.specifier.contains(specifier.version), f"{line} against {pin}"
    for python in ("3.10", "3.11", "3.12"):
        for name, entries in pins.items():
            active = [
                pin
                for pin in entries
                if pin.marker is None or pin.marker.evaluate({"python_version": python})
            ]
            assert len(active) == 1, f"{name} has {len(active)} pins for Python {python}"


def test_wheel_contents(wheel: Path) -> None:
    assert wheel.name == f"jndlic-{jndlic.__version__}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    folder = ROOT / "weights"
    shipped = (*folder.glob("*.safetensors"), *(folder / PREDICTORS).glob("*.safetensors"))
    weights = sorted(f"jndlic/shipped/{path.relative_to(folder)}" for path in shipped)
    assert weights, "weights/ holds no weights"
    assert sorted(name for name in names if name.endswith(".safetensors")) == weights
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "jndlic").rglob("*.py")}
    assert sources == {name for name in names if name.endswith(".py")}
    page = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "jndlic" / "bench" / "report" / "page").iterdir()
    }
    assert page and page <= set(names)
    assert any(name.endswith("LICENSE") for name in names)


def test_wheel_works_from_any_folder(installed: Path, tmp_path: Path) -> None:
    run_elsewhere([sys.executable, "-c", PROGRAM, str(installed)], installed, tmp_path)
    command = [sys.executable, str(installed / "bin" / "jndlic")]
    assert (
        run_elsewhere([*command, "--version"], installed, tmp_path)
        == f"jndlic {jndlic.__version__}\n"
    )
    assert "90 x 65" in run_elsewhere([*command, "info", "picture.jlic"], installed, tmp_path)
    run_elsewhere([*command, "decode", "picture.jlic", "picture.png"], installed, tmp_path)
    run_elsewhere(
        [*command, "encode", "picture.png", "again.jlic", "-q", "20"], installed, tmp_path
    )
    assert (tmp_path / "again.jlic").stat().st_size < (tmp_path / "picture.png").stat().st_size
