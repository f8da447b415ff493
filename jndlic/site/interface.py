"""The Python reference: a page of Markdown made from signatures and Google docstrings.

source files ─► syntax trees ─► entries ─► Markdown

Sources are read, not imported: the site can be built where none of the libraries is installed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from jndlic.errors import JndlicError
from jndlic.site.markdown import code, escaped, fenced

Definition = ast.FunctionDef | ast.ClassDef


class Chapter(NamedTuple):
    """Names of one module that belong together."""

    title: str
    module: str
    shown_module: str
    """Where users import them from."""
    names: tuple[str, ...]


CHAPTERS = (
    Chapter(
        "Pictures and files",
        "jndlic.api",
        "jndlic",
        ("encode", "decode", "imread", "imwrite", "open", "info"),
    ),
    Chapter("Open files", "jndlic.jlic_file", "jndlic", ("JlicFile",)),
    Chapter(
        "The codec itself",
        "jndlic.runtime.load",
        "jndlic.runtime.load",
        ("load_codec", "load_torch_codec"),
    ),
    Chapter("Its methods", "jndlic.runtime.backend", "jndlic.runtime.backend", ("Backend",)),
    Chapter("The picture's own JND map", "jndlic.jnd.own_map", "jndlic.jnd.own_map", ("own_map",)),
    Chapter("Memory", "jndlic.memory", "jndlic.memory", ("reuse_freed_memory",)),
    Chapter(
        "Exceptions",
        "jndlic.errors",
        "jndlic",
        (
            "JndlicError",
            "FormatError",
            "UnsupportedError",
            "ImageError",
            "WeightsError",
            "ParameterError",
            "TargetError",
        ),
    ),
    Chapter(
        "Exceptions of the benchmark",
        "jndlic.errors",
        "jndlic.errors",
        ("CodecError", "MetricError"),
    ),
)

_INTRODUCTION = """# Python reference

Signatures and docstrings. What may be handed over as a picture or a file, and examples:
[Using jndlic](usage.md#python)."""

_SECTIONS = {
    "Args": "Arguments",
    "Returns": "Returns",
    "Yields": "Yields",
    "Raises": "Raises",
    "Attributes": "Attributes",
}
_WITH_NAMES = ("Args", "Raises", "Attributes")
_WIDTH = 88
"""Columns from which on each parameter gets a line of its own."""


def python_reference(root: Path, chapters: Sequence[Chapter] = CHAPTERS) -> str:
    """The page.

    Args:
        root: folder that holds the package.
        chapters: what is shown.

    Raises:
        JndlicError: a name is not there, or has no docstring.
    """
    parts = [_INTRODUCTION]
    for chapter in chapters:
        parts += [f"## {chapter.title}", f"From `{chapter.shown_module}`."]
        tree = ast.parse((root / f"{chapter.module.replace('.', '/')}.py").read_text("utf-8"))
        known = {one.name: one for one in tree.body if isinstance(one, Definition)}
        for name in chapter.names:
            if name not in known:
                raise JndlicError(f"{chapter.module} has no function or class {name}")
            parts += _entry(known[name], f"{chapter.shown_module}.{name}", "###")
    return "\n\n".join(parts) + "\n"


def _entry(node: Definition, name: str, heading: str) -> list[str]:
    text = ast.get_docstring(node)
    if text is None:
        raise JndlicError(f"{name} has no docstring")
    parts = [f"{heading} {name}", fenced(signature(node), "python"), *described(text)]
    if isinstance(node, ast.ClassDef):
        for one in node.body:
            if isinstance(one, ast.FunctionDef) and not one.name.startswith("_"):
                parts += _entry(one, f"{node.name}.{one.name}", heading + "#")
    return parts


def signature(node: Definition) -> str:
    """A definition's first lines, with its decorators; of a class what makes one."""
    if isinstance(node, ast.FunctionDef):
        marks = [f"@{ast.unparse(one)}" for one in node.decorator_list]
        return "\n".join((*marks, _head(f"def {node.name}", node)))
    makers = [
        one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"
    ]
    if makers:
        return _head(f"class {node.name}", makers[0])
    return f"class {node.name}({', '.join(map(ast.unparse, node.bases))})"


def _head(start: str, node: ast.FunctionDef) -> str:
    parameters = list(_parameters(node.args))
    shown = "" if node.returns is None or node.name == "__init__" else ast.unparse(node.returns)
    end = f") -> {shown}" if shown else ")"
    line = f"{start}({', '.join(parameters)}{end}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join((f"{start}(", *(f"    {one}," for one in parameters), end))


def _parameters(given: ast.arguments) -> Iterator[str]:
    """Each parameter as it is written, with its default; "*" where only names follow."""
    first = len(given.args) - len(given.defaults)
    for number, one in enumerate(given.args):
        if one.arg != "self":
            yield _parameter(one, given.defaults[number - first] if number >= first else None)
    if given.kwonlyargs:
        yield "*"
    for one, default in zip(given.kwonlyargs, given.kw_defaults):
        yield _parameter(one, default)


def _parameter(one: ast.arg, default: ast.expr | None) -> str:
    return ast.unparse(one) + (f" = {ast.unparse(default)}" if default is not None else "")


def described(docstring: str) -> list[str]:
    """A Google docstring as paragraphs and lists of Markdown."""
    pattern = rf"^({'|'.join(_SECTIONS)}):\n"
    before, *sections = re.split(pattern, docstring, flags=re.MULTILINE)
    parts = _paragraphs(before)
    for title, body in zip(sections[::2], sections[1::2]):
        entries, after = _entries(body) if title in _WITH_NAMES else ([], "")
        parts.append(f"**{_SECTIONS[title]}**")
        parts += ["\n".join(entries)] if entries else _paragraphs(body)
        parts += _paragraphs(after)
    return parts


def _paragraphs(text: str) -> list[str]:
    return [escaped(part) for part in re.split(r"\n\s*\n", text) if part.strip()]


def _entries(body: str) -> tuple[list[str], str]:
    """Lines of a list, and what stands behind the section without an indent."""
    lines = body.rstrip().splitlines()
    end = next((n for n, line in enumerate(lines) if line and line[0] != " "), len(lines))
    joined = re.sub(r"\n {5,}", " ", "\n".join(lines[:end]))
    entries = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        names, _, text = line.partition(": ")
        shown = ", ".join(map(code, names.split(", ")))
        entries.append(f"- {shown}: {escaped(text)}" if text else f"- {escaped(line)}")
    return entries, "\n".join(lines[end:])
