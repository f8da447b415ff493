"""A command line as a tree of parsers, for what is made from it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping


def options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What is given by name, without what the help does not show."""
    return [one for one in _shown(parser) if one.option_strings]


def arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What is given by its place, without the commands."""
    return [
        one
        for one in _shown(parser)
        if not (one.option_strings or isinstance(one, argparse._SubParsersAction))
    ]


def commands(parser: argparse.ArgumentParser) -> dict[str, tuple[str, argparse.ArgumentParser]]:
    """The commands below a parser by their names: the help text and the parser of each."""
    found: dict[str, tuple[str, argparse.ArgumentParser]] = {}
    for one in parser._actions:
        if isinstance(one, argparse._SubParsersAction):
            parsers: Mapping[str, argparse.ArgumentParser] = one.choices
            helps = {choice.dest: choice.help or "" for choice in one._choices_actions}
            found |= {name: (helps[name], parser) for name, parser in parsers.items()}
    return found


def value_of(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """What an argument or an option takes, as the help writes it."""
    default = action.dest if not action.option_strings else action.dest.upper()
    return parser._get_formatter()._format_args(action, default)


def help_of(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """What the help says of an argument or an option."""
    return parser._get_formatter()._expand_help(action) if action.help else ""


def tree(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and all that are below it."""
    yield parser
    for _, below in commands(parser).values():
        yield from tree(below)


def _shown(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [one for one in parser._actions if one.help != argparse.SUPPRESS]
