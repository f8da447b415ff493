"""Pages of reference: all commands, all options, all names, with what the sources say of them."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

import jndlic
from jndlic.cli.bench import savings_parser
from jndlic.cli.main import command_parser
from jndlic.errors import JndlicError
from jndlic.site.commands import command_reference
from jndlic.site.interface import CHAPTERS, Chapter, described, python_reference, signature
from jndlic.site.markdown import escaped
from jndlic.system.parsers import arguments, help_of, options, tree, value_of

PARSERS = [*tree(command_parser()), savings_parser()]
COMMANDS = command_reference([command_parser(), savings_parser()])
PYTHON = python_reference(ROOT)


def section(page: str, heading: str) -> str:
    """What stands below a heading."""
    _, found, rest = page.partition(f"\n{heading}\n")
    assert found, f"no heading {heading}"
    return re.split(r"\n##+ ", rest)[0]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.prog)
def test_a_command_is_there_with_all_that_it_takes(parser: argparse.ArgumentParser) -> None:
    text = section(COMMANDS, f"## {parser.prog}")
    for action in options(parser):
        names = ", ".join(f"`{name}`" for name in action.option_strings)
        value = "" if action.nargs == 0 else f" `{value_of(parser, action)}`"
        assert f"| {names}{value} | {escaped(help_of(parser, action))} |" in text
    for action in arguments(parser):
        assert f"| `{value_of(parser, action)}` | {escaped(help_of(parser, action))} |" in text


def test_there_are_no_commands_that_do_not_exist() -> None:
    headings = re.findall(r"^## (jndlic.*)$", COMMANDS, re.MULTILINE)
    assert headings == [parser.prog for parser in PARSERS]
    assert "| [`jndlic encode`](#jndlic-encode) | pictures" in COMMANDS
    assert "| 141 | The reader of a pipe has gone. |" in COMMANDS


def test_tables_of_commands_have_two_columns() -> None:
    for line in COMMANDS.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 3, line


def test_all_that_the_package_offers_is_there() -> None:
    shown = {
        name for chapter in CHAPTERS if chapter.shown_module == "jndlic" for name in chapter.names
    }
    assert shown == set(jndlic.__all__)
    for name in ("jndlic.runtime.load.load_codec", "jndlic.JlicFile", "jndlic.errors.CodecError"):
        assert f"\n### {name}\n" in PYTHON


@pytest.mark.parametrize("name", ["encode", "decode", "imread", "imwrite", "open", "info"])
def test_signatures_and_arguments_are_those_of_the_function(name: str) -> None:
    text = section(PYTHON, f"### jndlic.{name}")
    function = getattr(jndlic, name)
    code = re.search(r"```python\n(.*?)\n```", text, re.DOTALL)
    assert code is not None
    (made,) = ast.parse(f"{code[1]}: ...").body
    assert isinstance(made, ast.FunctionDef)
    given = inspect.signature(function).parameters
    assert [one.arg for one in (*made.args.args, *made.args.kwonlyargs)] == list(given)
    for parameter in given:
        assert re.search(rf"^- .*`{parameter}`.*: ", text, re.MULTILINE)
    assert "**Raises**" in text and "`ParameterError`" in text


def test_methods_stand_below_their_class() -> None:
    for name in ("size", "metadata", "container", "image", "array", "close"):
        assert section(PYTHON, f"#### JlicFile.{name}").strip()
    assert "JlicFile._" not in PYTHON


def test_docstrings_become_lists() -> None:
    assert described(
        "Does it.\n\nMore of\nit.\n\n"
        "Args:\n    one, two: first\n        and on.\n    three: *x*\n\n"
        "Raises:\n    A, B: it a_b.\n"
    ) == [
        *("Does it.", "More of it."),
        *("**Arguments**", "- `one`, `two`: first and on.\n- `three`: \\*x\\*"),
        *("**Raises**", "- `A`, `B`: it a\\_b."),
    ]


def test_long_signatures_take_a_line_for_each_parameter() -> None:
    code = f"def f(self, first: int, *, {'second' * 14}: str='a') -> None: ..."
    (node,) = ast.parse(code).body
    assert isinstance(node, ast.FunctionDef)
    assert signature(node).splitlines() == [
        *("def f(", "    first: int,", "    *,", f"    {'second' * 14}: str = 'a',", ") -> None"),
    ]


@pytest.mark.parametrize(
    ("source", "reason"),
    [("x = 1", "has no function or class f"), ("def f(): ...", "jndlic.f has no docstring")],
)
def test_what_is_missing_is_said(source: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text(source)
    with pytest.raises(JndlicError, match=reason):
        python_reference(tmp_path, [Chapter("A", "made", "jndlic", ("f",))])


def test_text_means_nothing_to_markdown() -> None:
    assert escaped("a*b* <i> [x](y) `a_*` x_y |\n  z") == (r"a\*b\* \<i\> \[x\](y) `a_*` x\_y \| z")


def test_pages_are_made_without_libraries(tmp_path: Path) -> None:
    # As in the environment of `make docs`
    command = [sys.executable, "-S", str(ROOT / "tools" / "write_site.py"), str(tmp_path)]
    environment = {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, check=True, env=environment, cwd=tmp_path, timeout=60)
    assert (tmp_path / "python.md").read_text("utf-8") == PYTHON
    assert (tmp_path / "commands.md").read_text("utf-8") == COMMANDS
