"""The rules of the house: who may import what, and how small the tools stay."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from places import ROOT

PACKAGE = ROOT / "jndlic"

FLOW = (
    ("choices", "errors", "luma", "temporary_files", "files", "memory", "processes"),
    ("console",),
    ("format.container", "format.reader", "format.grid"),
    ("arguments", "shipped_weights", "tensor_files", "tensors"),
    ("format",),
    ("images",),
    ("patches",),
    ("sources",),
    ("metrics",),
    ("jnd",),
    ("network",),
    ("runtime",),
    ("pipeline", "block_maps"),
    ("targets",),
    ("jlic_file",),
    ("api",),
    ("pillow_plugin",),
    ("codecs",),
    ("optimize.predictors",),
    ("optimize",),
    ("training.photos",),
    ("training",),
    ("training.codec",),
    ("training.predictors",),
    ("training.structure",),
    ("bench.run",),
    ("bench.report",),
    ("bench.studies",),
    ("bench",),
    ("system",),
    ("cli", "__main__"),
    ("site",),
)
"""Stages in their order. A module imports from its own stage and the ones before it. The longest
name that matches a module (or a package it is in) gives its stage; a module that none matches must
be added here."""

OWN = {"jndlic", "__future__", *sys.stdlib_module_names}
CORE = {"onnxruntime", "torch", "numpy", "PIL", "constriction", "safetensors"}
"""What the installed core may import besides the standard library."""

OPTIONAL = {
    "jndlic.cli.cluster": {"ray"},
    "jndlic.console": {"tqdm"},
    "jndlic.images.deep_codecs": {"imagecodecs"},
    "jndlic.jnd.free_energy": {"cv2"},
    "jndlic.system.completion": {"shtab"},
}
"""What a module uses where it is installed."""

APART = ("jndlic.training", "jndlic.bench", "jndlic.optimize", "jndlic.codecs", "jndlic.metrics")
"""What the codec never imports. The command line does, when it is asked for them."""

ON_DEMAND = {("jndlic.targets.scale", "jndlic.metrics")}
"""Modules of the codec and what they do import of that, when they are asked for it."""

HEAVY = (
    "compressai",
    "lightning",
    "lpips",
    "torchvision",
    "skimage",
    "scipy",
    "matplotlib",
    "cv2",
    "imagecodecs",
)


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the package with its file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


NAMES = {name for name, _ in modules()}


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, wherever in it; those for type checkers do not
    count.
    """
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending.extend(node.orelse)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in NAMES else str(node.module)
        else:
            pending.extend(ast.iter_child_nodes(node))


def stage(name: str) -> int:
    """Number of a module's stage in FLOW."""
    inner = name.removeprefix("jndlic.")
    found = [
        (len(entry), number)
        for number, entries in enumerate(FLOW)
        for entry in entries
        if inner == entry or inner.startswith(entry + ".")
    ]
    assert found, f"{name} has no place in FLOW"
    return max(found)[1]


# jndlic itself gives api's names on demand
INNER = [(name, path) for name, path in modules() if name != "jndlic"]


@pytest.mark.parametrize(("name", "path"), INNER, ids=[name for name, _ in INNER])
def test_imports_go_one_way(name: str, path: Path) -> None:
    for target in imports(path):
        if target == "jndlic" or not target.startswith("jndlic."):
            continue
        assert stage(target) <= stage(name), f"{name} imports {target}, which comes after it"
        assert (
            name.startswith((*APART, "jndlic.cli"))
            or not target.startswith(APART)
            or any(name == one and target.startswith(other) for one, other in ON_DEMAND)
        ), f"{name} imports {target}"
        if not name.startswith(APART):
            assert not (
                name.startswith(("jndlic.network", "jndlic.format"))
                and target.startswith("jndlic.jnd")
            ), f"{name} is a part of the decoder and imports {target}"


def test_no_import_cycles() -> None:
    open_edges = {
        name: {target for target in imports(path) if target in NAMES} - {"jndlic"}
        for name, path in INNER
    }
    while open_edges:
        free = {
            name for name, targets in open_edges.items() if not targets & set(open_edges) - {name}
        }
        assert free, f"these import one another in a circle: {sorted(open_edges)}"
        open_edges = {name: targets for name, targets in open_edges.items() if name not in free}


def folder(name: str) -> str:
    """The folder of a module below jndlic; "" for a module at the top."""
    path = name.removeprefix("jndlic.").split(".")
    return ".".join(path if (PACKAGE / Path(*path)).is_dir() else path[:-1])


def test_no_circles_between_folders() -> None:
    edges: dict[str, set[str]] = {}
    for name, path in INNER:
        targets = {
            folder(target) for target in imports(path) if target in NAMES and target != "jndlic"
        }
        edges.setdefault(folder(name), set()).update(targets - {folder(name), ""})
    edges.pop("", None)  # the modules at the top stand below and above the folders; FLOW sorts them
    while edges:
        free = {name for name, targets in edges.items() if not targets & set(edges)}
        assert free, (
            "these folders need one another in a circle: "
            f"{ ({n: sorted(t & set(edges)) for n, t in edges.items()}) }"
        )
        edges = {name: targets for name, targets in edges.items() if name not in free}


def test_core_imports_only_core_dependencies() -> None:
    for name, path in modules():
        if not name.startswith(APART):
            foreign = {target.partition(".")[0] for target in imports(path)} - OWN - CORE
            assert not foreign - OPTIONAL.get(name, set()), f"{name} imports {foreign}"


def test_streams_need_no_torch() -> None:
    for name, path in modules():
        if name.startswith(("jndlic.format", "jndlic.images")) or name in (
            "jndlic.files",
            "jndlic.shipped_weights",
        ):
            assert "torch" not in {target.partition(".")[0] for target in imports(path)}, name
    for name in ("container", "reader", "grid"):
        assert not {"constriction", "numpy"} & set(imports(PACKAGE / "format" / f"{name}.py")), name


def loaded_by(command: list[str]) -> set[str]:
    """Names of all modules that a fresh process has loaded after running `jndlic COMMAND`."""
    program = (
        "import json, sys\n"
        "from jndlic.cli.main import main\n"
        "try:\n"
        "    code = main(sys.argv[1:])\n"
        "except SystemExit as end:\n"
        "    code = end.code\n"
        "print('\\n' + json.dumps([code, sorted(sys.modules)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=300,
    )
    code, names = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return set(names)


def starting_with(names: set[str], packages: tuple[str, ...]) -> set[str]:
    """Those of the names that are one of the packages, or in one."""
    return {
        name
        for name in names
        for package in packages
        if name == package or name.startswith(package + ".")
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small picture and the same compressed with the shipped weights."""
    import jndlic

    folder = tmp_path_factory.mktemp("house")
    pixels = np.random.default_rng(1).integers(0, 256, (40, 70, 3), dtype=np.uint8)
    picture, compressed = folder / "picture.ppm", folder / "picture.jlic"
    picture.write_bytes(b"P6 70 40 255\n" + pixels.tobytes())
    compressed.write_bytes(jndlic.encode(pixels, quality=30, patches=False))
    return picture, compressed


@pytest.mark.parametrize(
    "command",
    [["--help"], ["--version"], ["encode", "--help"], ["compare", "--help"], ["bench", "--help"]],
    ids=" ".join,
)
def test_help_needs_no_libraries(command: list[str]) -> None:
    # Nor does a wheel's build, which makes the manual from the same parsers
    assert not starting_with(loaded_by(command), (*CORE, "shtab", *HEAVY, *APART))


def test_importing_the_package_needs_no_torch() -> None:
    program = "import sys, jndlic; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, timeout=60)


def test_info_needs_no_torch(files: tuple[Path, Path]) -> None:
    assert not starting_with(loaded_by(["info", str(files[1])]), ("torch", *HEAVY, *APART))


def test_decoding_needs_no_jnd_and_no_extras(files: tuple[Path, Path], tmp_path: Path) -> None:
    names = loaded_by(["decode", str(files[1]), str(tmp_path / "out.png")])
    assert not starting_with(names, ("jndlic.jnd", *HEAVY, *APART))


def test_encoding_needs_no_extras(files: tuple[Path, Path], tmp_path: Path) -> None:
    names = loaded_by(["encode", str(files[0]), str(tmp_path / "out.jlic")])
    assert not starting_with(names, (*HEAVY, *APART))


def test_a_limit_of_the_size_needs_no_metrics(files: tuple[Path, Path], tmp_path: Path) -> None:
    command = ["encode", str(files[0]), str(tmp_path / "out.jlic"), "--target-size", "9KB"]
    assert not starting_with(loaded_by(command), ("torch", *HEAVY, *APART))


def test_tools_are_thin() -> None:
    tools = sorted((ROOT / "tools").glob("*.py"))
    assert tools
    for path in tools:
        assert len(path.read_text(encoding="utf-8").splitlines()) < 40, path.name


def test_no_input_is_checked_by_assert() -> None:
    for name, path in modules():
        found = [
            node.lineno
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Assert)
        ]
        assert not found, f"{name}, line {found}: assert; python -O leaves it out"


def test_tests_stand_in_folders_as_what_they_test() -> None:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        assert (PACKAGE / path.parent.relative_to(ROOT / "tests")).is_dir(), path
