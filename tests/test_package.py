"""The sdist and the wheel: complete, and at work from any folder without the repository.

`make dist` names in JNDLIC_DIST the folder with what it has built; then that is looked at, and
installed from the package index into an empty environment too.
"""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from places import ROOT

import jndlic
from jndlic.cli.system_files import completions, manual
from jndlic.shipped_weights import PREDICTORS
from jndlic.system.completion import COMPLETIONS, PACKAGED

SOURCES = (
    *("setup.cfg", "setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"),
    *("jndlic", "weights", "share"),
)
"""All that a wheel is made of."""

MADE_BEFORE = os.environ.get("JNDLIC_DIST")

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
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with an sdist and the wheel that is built from it. They are made from a copy: building
    in place leaves folders behind, and old ones would leak in.
    """
    if MADE_BEFORE:
        return Path(MADE_BEFORE)
    for package in ("build", "shtab"):
        pytest.importorskip(package, reason="needed to build an sdist and a wheel")
    folder = tmp_path_factory.mktemp("made")
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "masters")
            )
        else:
            shutil.copy(ROOT / name, source / name)
    python("build", "--no-isolation", "--outdir", str(folder), str(source))
    return folder


@pytest.fixture(scope="module")
def sdist(made: Path) -> Path:
    """The only one."""
    (found,) = made.glob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def wheel(made: Path) -> Path:
    """The only one."""
    (found,) = made.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with nothing but the installed wheel."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-index", "--target", str(folder), str(wheel))
    return folder


def pip(*arguments: str) -> None:
    python("pip", "--disable-pip-version-check", "--no-input", *arguments)


def python(module: str, *arguments: str, interpreter: str | Path = sys.executable) -> None:
    command = [str(interpreter), "-m", module, *arguments]
    environment = dict(os.environ)
    if interpreter != sys.executable:
        environment.pop("PYTHONPATH", None)  # or pip takes what is there for installed
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def run_elsewhere(command: list[str], installed: Path | None, folder: Path) -> str:
    """Runs a command in a folder that holds no code, with the installed wheel before everything
    else, if it is not the command's own.
    """
    environment = {**os.environ, "PYTHONPATH": str(installed or "")}
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


def contents(wheel: Path) -> dict[str, bytes]:
    """What stands in a wheel, by name."""
    with zipfile.ZipFile(wheel) as file:
        return {name: file.read(name) for name in file.namelist()}


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
    assert "jndlic/py.typed" in names
    assert any(name.endswith("LICENSE") for name in names)


def test_wheel_holds_the_files_for_the_system(wheel: Path) -> None:
    found = contents(wheel)
    share = f"jndlic-{jndlic.__version__}.data/data/share/"
    scripts = completions()
    wanted = {
        **manual(),
        **{COMPLETIONS[shell]: script for shell, script in scripts.items()},
        **{
            str(path.relative_to(ROOT / "share")): path.read_text(encoding="utf-8")
            for path in (ROOT / "share").rglob("*")
            if path.is_file()
        },
    }
    assert {"man/man1/jndlic.1", "mime/packages/jndlic.xml", "misc/jndlic.magic"} <= wanted.keys()
    there = {
        name.removeprefix(share): text.decode()
        for name, text in found.items()
        if name.startswith(share)
    }
    assert there == wanted
    inside = str(PACKAGED.relative_to(ROOT))
    assert {shell: found[f"{inside}/{shell}"].decode() for shell in scripts} == scripts


def test_index_would_take_them(made: Path) -> None:
    pytest.importorskip("twine", reason="twine checks what an index would show")
    python("twine", "check", "--strict", *map(str, made.glob("jndlic-*")))


@pytest.mark.skipif(not MADE_BEFORE, reason="here the wheel is built from the sdist anyway")
def test_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as file:
        file.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    python("build", "--no-isolation", "--wheel", "--outdir", str(tmp_path), str(source))
    (again,) = tmp_path.glob("*.whl")
    ours, other = contents(wheel), contents(again)
    assert ours.keys() == other.keys()
    assert not [name for name in ours if ours[name] != other[name]]


def test_wheel_works_from_any_folder(installed: Path, tmp_path: Path) -> None:
    assert (installed / "share" / "man" / "man1" / "jndlic.1").is_file()
    command = [sys.executable, str(installed / "bin" / "jndlic")]
    try_out([sys.executable], command, installed, installed, tmp_path)


@pytest.mark.skipif(not MADE_BEFORE, reason="installs from the package index: make dist")
def test_wheel_installs_into_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    python("venv", str(tmp_path / "environment"))
    programs = tmp_path / "environment" / "bin"
    interpreter = str(programs / "python")
    python("pip", "install", "--quiet", str(wheel), interpreter=interpreter)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    environment = tmp_path / "environment"
    try_out([interpreter], [str(programs / "jndlic")], environment, None, folder)
    torch = "import importlib.util; print(importlib.util.find_spec('torch'))"
    assert run_elsewhere([interpreter, "-c", torch], None, folder) == "None\n"
    for name in manual():
        assert (environment / "share" / name).is_file()


def try_out(
    interpreter: list[str], command: list[str], place: Path, path: Path | None, folder: Path
) -> None:
    """Codes a picture with what is installed.

    Args:
        interpreter: that has the wheel.
        command: `jndlic`.
        place: where the package must come from.
        path: of the wheel, where it is not the interpreter's own.
        folder: to work in.
    """
    run_elsewhere([*interpreter, "-c", PROGRAM, str(place)], path, folder)
    version = run_elsewhere([*command, "--version"], path, folder)
    assert version == f"jndlic {jndlic.__version__}\n"
    assert "encode" in run_elsewhere([*command, "--help"], path, folder)
    script = run_elsewhere([*command, "completion", "bash"], path, folder)
    assert script == completions()["bash"]
    assert "90 x 65" in run_elsewhere([*command, "info", "picture.jlic"], path, folder)
    run_elsewhere([*command, "decode", "picture.jlic", "picture.png"], path, folder)
    run_elsewhere([*command, "encode", "picture.png", "again.jlic", "-q", "20"], path, folder)
    assert (folder / "again.jlic").stat().st_size < (folder / "picture.png").stat().st_size
