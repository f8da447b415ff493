"""Many files on a Ray cluster: two nodes of one CPU each, and what happens when they die."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from commands import run
from fatal_encoder import DOOMED, FULL, FatalEncoder, trail
from PIL import Image
from places import ROOT

import jndlic
from jndlic.cli import cluster as cli_cluster
from jndlic.cli import encode
from jndlic.cli.main import command_parser
from jndlic.errors import ClusterError

ADDRESS_OF_NOBODY = "127.0.0.1:1"


def skip_without_ray() -> None:
    """Imports nothing: what Ray prints is settled at its import, by the command."""
    if find_spec("ray") is None:
        pytest.skip("clusters are Ray's, of the extra [ray]")


@pytest.fixture(scope="module")
def cluster() -> Iterator:
    """A head that does no work and two nodes that do."""
    skip_without_ray()
    cli_cluster.import_ray()
    from ray._common.utils import get_ray_address_file
    from ray.cluster_utils import Cluster

    paths = [str(ROOT), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    # Shells let what runs in the background ignore it, and the nodes would have that from here
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory(prefix="ray-") as folder,  # short: sockets lie in it
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        head = {"num_cpus": 0, "include_dashboard": False, "temp_dir": folder}
        # Its address is written into Ray's usual folder, which only a usual start makes
        Path(get_ray_address_file(None)).parent.mkdir(parents=True, exist_ok=True)
        made = Cluster(True, head_node_args={**head, "object_store_memory": 80 << 20})
        try:
            for _ in range(2):
                made.add_node(num_cpus=1, object_store_memory=80 << 20)
            yield made
        finally:
            made.shutdown()
            signal.signal(signal.SIGINT, before)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes pictures in the folder `d`, for commands that run in the folder above it; they are
    encoded as FatalEncoder has it.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(encode, "Encoder", FatalEncoder)

    def make(*names: str) -> None:
        Path("d").mkdir()
        random = np.random.default_rng(4)
        for name in names:
            image = Image.fromarray(random.integers(0, 256, (20, 30, 3), dtype=np.uint8))
            image.save(Path("d", f"{name}.png"))

    return make


def outcomes(output: str) -> list[dict[str, object]]:
    """What --json printed, in the order of the inputs and without the seconds."""
    lines = [json.loads(line) for line in output.splitlines()]
    for line in lines:
        line.pop("seconds", None)
    return sorted(lines, key=lambda line: line["source"])


def files(folder: str) -> dict[str, bytes]:
    """All files of a folder, hidden ones too."""
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def when(condition: Callable[[], bool], action: Callable[[], object]) -> threading.Thread:
    """Does something as soon as something is so, from another thread."""

    def watch() -> None:
        end = time.monotonic() + 120
        while not condition():
            if time.monotonic() > end:
                return
            time.sleep(0.05)
        action()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_the_same_as_on_one_machine(
    cluster,
    tree: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree("a", "b", "c")
    Path("d/broken.png").write_bytes(Path("d/a.png").read_bytes()[:60])
    words = ("encode", "d", "-r", "--json", "-q", 30, "--patches", "off")
    assert run(*words, "-o", "o", "-j", 1, "--ray", cluster.address) == 1
    there, errors = capsys.readouterr()
    assert len(errors.splitlines()) == 2 and "broken.png" in errors
    ends = [line.split() for line in trail() if not line.startswith("broken")]
    ends = [words for words in ends if len(words[0]) == 1]
    assert [words[1] for words in ends] == ["begins", "ends"] * 3  # never two at once
    made = files("o")
    assert set(made) == {"a.jlic", "b.jlic", "c.jlic"}
    for file in made:
        Path("o", file).unlink()

    with monkeypatch.context() as patch:
        patch.setattr(encode, "Encoder", FatalEncoder.__mro__[1])
        assert run(*words, "-o", "o") == 1
    assert outcomes(there) == outcomes(capsys.readouterr().out)
    assert made == files("o")

    assert run("decode", "o", "-r", "-o", "back", "--ray", cluster.address, "-v") == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert set(files("back")) == {"a.png", "b.png", "c.png"}
    assert run("decode", "o", "-r", "-o", "back", "--ray", cluster.address, "--skip-existing") == 0
    assert capsys.readouterr().out.startswith("0 files, 3 there already")


def test_processes_that_die(
    cluster, tree: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    tree("a", "early", "fatal", "late", "torn")
    Path("o").mkdir()
    Path("o/early.jlic").write_bytes(b"old")
    assert run("encode", "d", "-r", "-o", "o", "--json", "--ray", cluster.address) == 1
    output, errors = capsys.readouterr()
    lines = outcomes(output)  # one of each, and nothing else on standard output
    assert [line["status"] for line in lines] == ["done", "failed", "failed", "done", "done"]
    assert "exists already" in str(lines[1]["error"])  # it was there before the first try
    assert "died 3 times" in str(lines[2]["error"]) and trail().count("fatal begins") == 3
    assert errors.endswith("2 of 5 files failed\n") and len(errors.splitlines()) == 3
    made = files("o")
    assert made.pop("early.jlic") == b"old"
    assert set(made) == {"a.jlic", "late.jlic", "torn.jlic"}  # no temporary file is left
    for content in made.values():
        assert jndlic.decode(content).size == (30, 20)


def test_a_node_that_dies(
    cluster, tree: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    names = "abcdefgh"
    tree(*names)
    node = next(iter(cluster.worker_nodes))
    DOOMED.write_text(node.node_id)
    killer = when(
        lambda: FULL in trail(),
        lambda: cluster.remove_node(node, allow_graceful=False),
    )
    try:
        assert run("encode", "d", "-r", "-o", "o", "--json", "--ray", cluster.address) == 0
    finally:
        killer.join()
        cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    assert node not in cluster.worker_nodes
    output, errors = capsys.readouterr()
    assert [line["source"] for line in outcomes(output)] == [f"d/{name}.png" for name in names]
    assert {line["status"] for line in outcomes(output)} == {"done"} and errors == ""
    assert len([line for line in trail() if len(line) == len("a begins")]) == len(names) + 1
    made = files("o")
    assert set(made) == {f"{name}.jlic" for name in names}
    for content in made.values():
        assert jndlic.decode(content).size == (30, 20)


def test_an_interrupt(
    cluster, tree: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    tree("a", "hang")
    sender = when(
        lambda: "hang begins" in trail() and "a ends" in trail(),
        lambda: os.kill(os.getpid(), signal.SIGINT),
    )
    assert run("encode", "d", "-r", "-o", "o", "--ray", cluster.address) == 130
    sender.join()
    assert capsys.readouterr() == ("", "jndlic: interrupted; what was finished is kept\n")
    assert set(files("o")) == {"a.jlic"} and "hang is interrupted" in trail()


def test_a_node_with_other_weights(
    cluster,
    tree: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree("a", "b")
    monkeypatch.setattr(cli_cluster, "weights_digest", lambda _: "of others")
    assert run("encode", "d", "-r", "-o", "o", "--ray", cluster.address) == 1
    output, errors = capsys.readouterr()
    assert output == "" and "other weights" in errors and len(errors.splitlines()) == 1
    assert files("o") == {}


def test_weights_that_are_missing_end_it_all(
    cluster, tree: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    tree("a", "b")
    words = ("encode", "d", "-r", "--patches", "off", "--weights", "none.safetensors")
    assert run(*words, "--ray", cluster.address) == 1
    errors = capsys.readouterr().err
    assert "none.safetensors" in errors and len(errors.splitlines()) == 1


# What needs no cluster


def test_a_node_without_this_jndlic(monkeypatch: pytest.MonkeyPatch) -> None:
    work = cli_cluster.node_work()
    assert "jndlic" in str(work("0.0.0", b"", b"")) and "0.0.0 here" in str(work("0.0.0", b"", b""))
    monkeypatch.setitem(sys.modules, "jndlic", None)
    assert f"no jndlic {jndlic.__version__} there" in str(work(jndlic.__version__, b"", b""))


@pytest.mark.parametrize("other", ["visible", "weights"])
def test_a_node_with_other_files(other: str, tmp_path: Path) -> None:
    coder = encode.Encoder(command_parser().parse_args(["encode", "a.png"]))
    marker = tmp_path / "marker"
    orders = cli_cluster._Orders(coder, str(tmp_path), [str(marker)], "of others", {})
    if other == "weights":
        marker.touch()
    answer = cli_cluster.serve(pickle.dumps(orders), b"")
    assert isinstance(answer, ClusterError) and ("marker" in str(answer)) == (other == "visible")


@pytest.mark.parametrize(("needs", "room"), [((1, 0), 10), ((4, 0), 2), ((2, 1), 2), ((9, 0), 1)])
def test_room(needs: tuple[int, int], room: int, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        {"Alive": True, "Resources": {"CPU": 2.0}},
        {"Alive": True, "Resources": {"CPU": 8.0, "GPU": 2.0}},
        {"Alive": False, "Resources": {"CPU": 16.0}},
    ]
    ray = SimpleNamespace(nodes=lambda: nodes)
    wanted = dict(zip(("CPU", "GPU"), needs))
    assert cli_cluster._room(ray, wanted, quiet=False) == room
    errors = capsys.readouterr().err
    assert ("waiting" in errors) == (needs[0] == 9) and ("GPU" not in errors)
    assert cli_cluster._room(ray, wanted, quiet=True) == room
    assert capsys.readouterr().err == ""


def test_no_cluster_there(tree: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    skip_without_ray()
    tree("a")
    for address in (ADDRESS_OF_NOBODY, f"ray://{ADDRESS_OF_NOBODY}", "nonsense"):
        assert run("encode", "d/a.png", "--ray", address) == 1
        errors = capsys.readouterr().err
        assert f"--ray {address}: " in errors and len(errors.splitlines()) == 1
    assert set(files("d")) == {"a.png"}


class Breaking:
    """What jndlic asks of Ray, done here, up to the break of a connection.

    Args:
        good: answers before it.
        error: what is raised from then on.
    """

    def __init__(self, good: int, error: Exception) -> None:
        self._good, self._error = good, error
        self._answers: list[object] = []
        self.exceptions = SimpleNamespace(RayTaskError=LookupError, RayError=LookupError)

    def init(self, address: str, **_: object) -> None:
        """Connects."""

    def shutdown(self) -> None:
        """What is broken cannot be left in order either."""
        raise self._error

    def nodes(self) -> list[dict[str, object]]:
        """One, with two CPUs."""
        return [{"Alive": True, "Resources": {"CPU": 2.0}}]

    def put(self, value: bytes) -> bytes:
        """Nothing travels."""
        return value

    def remote(self, **_: object) -> Callable[[Callable], object]:
        """Work is done when it is asked for."""
        return lambda work: SimpleNamespace(remote=lambda *words: self._begin(work(*words)))

    def wait(self, busy: list, **_: object) -> tuple[list, list]:
        """The first is ready, while there is a connection."""
        self._good -= 1
        if self._good < 0:
            raise self._error
        return busy[:1], busy[1:]

    def get(self, reference: int) -> object:
        """What became of it."""
        return self._answers[reference]

    def cancel(self, reference: object) -> None:
        """As `shutdown`."""
        raise self._error

    def _begin(self, answer: object) -> int:
        self._answers.append(answer)
        return len(self._answers) - 1


@pytest.mark.parametrize("error", [ConnectionError("gone\nfor good"), RuntimeError("no client")])
def test_a_connection_that_is_lost(
    error: Exception,
    tree: Callable[..., None],
    toy: object,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    tree("a", "b", "c", "d")
    monkeypatch.setattr(encode, "Encoder", FatalEncoder.__mro__[1])
    monkeypatch.setattr(cli_cluster, "import_ray", lambda: Breaking(2, error))
    assert run("encode", "d", "-r", "-o", "o", "--ray", "there", "-v") == 1
    output, errors = capfd.readouterr()
    (line,) = errors.splitlines()
    assert line.startswith(
        "jndlic: --ray there: the connection to the cluster was lost; what was finished is kept ("
    )
    assert str(error).split()[-1] in line and len(output.splitlines()) == 2
    assert {"a.jlic", "b.jlic"} <= set(files("o")) and not list(Path("o").glob(".jndlic-*"))


@pytest.mark.parametrize(("end", "said"), [("os._exit(1)", "gone\n"), ("pass", "")])
def test_a_process_that_ray_ends(end: str, said: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    marker.touch()
    program = (
        "import os, sys\n"
        "from jndlic.cli.sudden_end import spoken_for\n"
        "with spoken_for('gone', [sys.argv[1]]):\n"
        f"    {end}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(marker)], capture_output=True, text=True, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (int(bool(said)), said)
    assert marker.exists() == (not said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--ray", ""), "auto, HOST:PORT or ray://HOST:PORT"),
        (("--ray", " "), "auto, HOST:PORT or ray://HOST:PORT"),
        (("--ray", "auto", "--device", "cuda:1"), "--device cuda:1: on a cluster Ray chooses"),
    ],
)
def test_wrong_usage_of_a_cluster(
    words: tuple[str, ...],
    said: str,
    tree: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree("a")
    assert run("encode", "d", "-r", *words) == 2
    assert said in capsys.readouterr().err
    assert set(files("d")) == {"a.png"}


def test_no_ray_and_no_streams(
    tree: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree("a")
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run("encode", "d", "-r", "--ray", "auto") == 1
    assert capsys.readouterr().err == "jndlic: this needs ray: pip install 'jndlic[ray]'\n"
    assert run("encode", "d/a.png", "-o", "-", "--ray", "auto") == 2
    assert "standard input or output" in capsys.readouterr().err
