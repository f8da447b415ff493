"""The command reference: a page of Markdown made from the parsers, as manual pages are
(jndlic/system/manual.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence

from jndlic.site.markdown import code, escaped, fenced
from jndlic.system.manual import EXIT_CODES
from jndlic.system.parsers import arguments, commands, help_of, options, tree, value_of

_INTRODUCTION = """# Command reference

What `jndlic COMMAND --help` says, made from the same parsers."""


_WIDTH = 88


def command_reference(parsers: Sequence[argparse.ArgumentParser]) -> str:
    """The page.

    Args:
        parsers: of commands; those below them follow.
    """
    found = [one for parser in parsers for one in tree(parser)]
    parts = [_INTRODUCTION, *(part for one in found for part in _command(one))]
    rows = "\n".join(f"| {number} | {text} |" for number, text in EXIT_CODES)
    parts += ["## Exit codes", f"| code | meaning |\n|---|---|\n{rows}"]
    return "\n\n".join(parts) + "\n"


def _command(parser: argparse.ArgumentParser) -> list[str]:
    parts = [f"## {parser.prog}"]
    parts += [escaped(parser.description)] if parser.description else []
    parts.append(fenced(_usage(parser), "text"))
    below = commands(parser).values()
    if below:
        rows = (
            f"| [{code(one.prog)}](#{one.prog.replace(' ', '-')}) | {escaped(text)} |"
            for text, one in below
        )
        parts.append("\n".join(("| command | |", "|---|---|", *rows)))
    parts += _table(parser, "argument", arguments(parser), _argument)
    parts += _table(parser, "option", options(parser), _option)
    return parts


def _usage(parser: argparse.ArgumentParser) -> str:
    # Not the width of the terminal where this runs
    formatter = argparse.HelpFormatter(parser.prog, width=_WIDTH)
    formatter.add_usage(None, parser._actions, parser._mutually_exclusive_groups, prefix="")
    return formatter.format_help().strip()


def _table(
    parser: argparse.ArgumentParser,
    title: str,
    actions: Iterable[argparse.Action],
    named: Callable[[argparse.ArgumentParser, argparse.Action], str],
) -> list[str]:
    rows = [
        f"| {named(parser, action)} | {escaped(help_of(parser, action))} |" for action in actions
    ]
    return ["\n".join((f"| {title} | |", "|---|---|", *rows))] if rows else []


def _argument(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return code(value_of(parser, action))


def _option(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    names = ", ".join(map(code, action.option_strings))
    return names if action.nargs == 0 else f"{names} {code(value_of(parser, action))}"
