"""Completion: the script at work in a real bash, and what the command says of it."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import run

from jndlic.cli import completion
from jndlic.cli.main import command_parser
from jndlic.system.completion import COMPLETIONS, completion_script, takes_files
from jndlic.system.parsers import arguments, options, tree

pytest.importorskip("shtab", reason="shtab makes the scripts")

ASK = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
"$(complete -p jndlic | sed -E 's/.*-F ([^ ]+).*/\\1/')" 2>/dev/null
(( ${#COMPREPLY[@]} )) && printf '%s\\n' "${COMPREPLY[@]}"
exit 0
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files to complete, and the script."""
    made = tmp_path_factory.mktemp("completion")
    for name in ("photo.png", "photo.jlic", "two words.png", "weights.safetensors"):
        (made / name).touch()
    (made / "phase").mkdir()
    (made / "script").write_text(completion_script(command_parser(), "bash"))
    return made


def completed(folder: Path, *words: str) -> set[str]:
    """What bash offers for the last word."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK, "bash", "./script", "jndlic", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return set(done.stdout.splitlines())


FILES = {"photo.png", "photo.jlic", "two words.png", "weights.safetensors", "phase", "script"}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["en"], {"encode"}),
        (["jnd", ""], {"map", "inject", "filter"}),
        (["completion", ""], set(COMPLETIONS)),
        (["encode", "--visually"], {"--visually-lossless"}),
        (["encode", "--backend", ""], {"auto", "onnx", "torch"}),
        (["encode", "photo.png", "--profile", "mcl-jci-9"], {"mcl-jci-90", "mcl-jci-95"}),
        (["jnd", "map", "photo.png", "--model", "p"], {"pattern", "patch"}),
        (["encode", "ph"], {"photo.png", "photo.jlic", "phase"}),
        (["encode", "photo.png", "-q", "50", "ph"], {"photo.png", "photo.jlic", "phase"}),
        (["decode", "photo.jlic", "--strict", ""], FILES),
        (["decode", "photo.jlic", "-o", "photo.p"], {"photo.png"}),
        (["info", "photo.j"], {"photo.jlic"}),
        (["encode", "--weights", "w"], {"weights.safetensors"}),
        (["optimize", "photo.png", "ph"], {"photo.png", "photo.jlic", "phase"}),
        (["jnd", "filter", "photo.png", "ph"], {"photo.png", "photo.jlic", "phase"}),
        (["bench", "ph"], {"photo.png", "photo.jlic", "phase"}),
        (["bench", "phase", "--rep"], {"--report-pictures", "--report-rates"}),
        (["bench", "phase", "--kinds", "w"], {"weights.safetensors"}),
        (["encode", "two\\ w"], {"two words.png"}),
        (["encode", '"two w'], {"two words.png"}),
        (["encode", "$(touch gone)"], set()),
        (["encode", "-q", ""], set()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bash_offers(folder: Path, words: list[str], offered: set[str]) -> None:
    assert completed(folder, *words) == offered
    assert not (folder / "gone").exists()


def test_all_commands_and_options_are_offered(folder: Path) -> None:
    for parser in tree(command_parser()):
        names = {name for action in options(parser) for name in action.option_strings}
        assert completed(folder, *parser.prog.split()[1:], "-") == names


LISTS = "Q,...", "X,Y,W,H", "CODEC", "NAME,...", "BPP,..."
"""Qualities, parts of a picture, codecs with their levels, metrics, rates."""

LIMITS = "SIZE", "X", "NAME=VALUE"
"""Of the encoder's targets."""


def test_what_takes_a_word_is_a_file_a_choice_or_known_to_be_neither() -> None:
    def called(action: argparse.Action) -> str:
        return str(action.metavar or action.dest)

    free = {
        called(action)
        for parser in tree(command_parser())
        for action in (*arguments(parser), *options(parser))
        if action.nargs != 0 and not action.choices and not takes_files(action)
    }
    assert free == {"N", "1..100", "ADDRESS", "device", "level", "seed", "NAME", *LISTS, *LIMITS}


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_shells_can_read_their_scripts(shell: str, tmp_path: Path) -> None:
    script = tmp_path / shell
    script.write_text(completion_script(command_parser(), shell))
    assert "visually-lossless" in script.read_text() and "ssimulacra2" in script.read_text()
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == ""


def test_command_prints_the_script(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run("completion", "bash") == 0
    assert capsys.readouterr() == (completion_script(command_parser(), "bash"), "")
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert run("completion", "zsh") == 1
    assert "pip install 'jndlic[dev]'" in capsys.readouterr().err
    (tmp_path / "zsh").write_text("of the wheel\n")
    monkeypatch.setattr(completion, "PACKAGED", tmp_path)
    assert run("completion", "zsh") == 0
    assert capsys.readouterr() == ("of the wheel\n", "")
    assert run("completion", "tcsh") == 2
