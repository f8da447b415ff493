"""Manual pages (roff, section 1) made from the parsers: jndlic(1), and as git has it a page for
each command: jndlic-encode(1), jndlic-jnd-map(1).

A writer of our own, for argparse-manpage (4.8) loses every line that begins with a period, as do
ours about ".jlic files", and breaks names at their hyphens.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Sequence

from jndlic.console import BAD_INPUT, BAD_USAGE, GOOD, INTERRUPTED, PIPE_CLOSED
from jndlic.system.parsers import arguments, commands, help_of, options, value_of

EXIT_CODES = (
    (GOOD, "All went well."),
    (BAD_INPUT, "Bad input, or a file that cannot be read or written."),
    (BAD_USAGE, "Wrong usage."),
    (INTERRUPTED, "Interrupted."),
    (PIPE_CLOSED, "The reader of a pipe has gone."),
)

_ROFF = str.maketrans(
    {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}
)

_FIXED_BLANK = "\\ "
"""At which a line is not broken."""


def manual_pages(
    parser: argparse.ArgumentParser, version: str, above: str | None = None
) -> dict[str, str]:
    """The pages of a command and of all commands below it.

    Args:
        parser: of the command.
        version: for the foot of the pages.
        above: name of the page of the command that it is a part of.

    Returns:
        Roff by the name of the page, such as "jndlic-encode".
    """
    root, found = parser.prog.split()[0], dict[str, str]()

    def add(one: argparse.ArgumentParser, summary: str, above: str | None) -> None:
        found[_name(one)] = _page(one, summary, f"{root} {version}", above)
        for text, below in commands(one).values():
            add(below, text, _name(one))

    add(parser, (parser.description or "").rstrip("."), above)
    return found


def _page(one: argparse.ArgumentParser, summary: str, source: str, above: str | None) -> str:
    lines = [
        f'.TH "{_name(one).upper()}" "1" "" "{source}" "User Commands"',
        *(".SH NAME", f"{_plain(_name(one))} \\- {_plain(summary)}"),
        *_synopsis(one),
    ]
    if one.description:
        lines += [".SH DESCRIPTION", *_text(one.description)]
    below = [(_bold(_name(parser)) + "(1)", text) for text, parser in commands(one).values()]
    lines += _section("COMMANDS", below)
    lines += _section(
        "ARGUMENTS", [(_value(one, action), help_of(one, action)) for action in arguments(one)]
    )
    lines += _section(
        "OPTIONS", [(_names(one, action), help_of(one, action)) for action in options(one)]
    )
    if above is None:
        lines += _section("EXIT STATUS", [(str(code), text) for code, text in EXIT_CODES])
    else:
        lines += [".SH SEE ALSO", f"{_bold(above)}(1)"]
    return "\n".join(lines) + "\n"


def _name(parser: argparse.ArgumentParser) -> str:
    return parser.prog.replace(" ", "-")


def _synopsis(parser: argparse.ArgumentParser) -> list[str]:
    formatter = argparse.HelpFormatter(parser.prog, width=1 << 20)
    formatter.add_usage(None, parser._actions, parser._mutually_exclusive_groups, prefix="")
    usage = formatter.format_help().strip().removeprefix(parser.prog).strip()
    # What stands in brackets stays on one line, but for a choice between several
    parts = re.findall(r"\[(?:[^][]|\[[^][]*\])*\]|\S+", usage)
    return [
        *(".SH SYNOPSIS", f".SY {_plain(parser.prog, _FIXED_BLANK)}"),
        *(_marked(part) for part in parts),
        ".YS",
    ]


def _section(title: str, entries: Sequence[tuple[str, str]]) -> list[str]:
    """Entries are heads, which are roff, and texts, which are not."""
    lines = [line for head, text in entries for line in (".TP", head, *_text(text))]
    return [f".SH {title}", *lines] if entries else []


def _names(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """An option by all its names, with what it takes."""
    names = ", ".join(map(_bold, action.option_strings))
    return names if action.nargs == 0 else f"{names} {_value(parser, action)}"


def _value(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return f"\\fI{_plain(value_of(parser, action))}\\fR"


def _text(text: str) -> list[str]:
    """A paragraph."""
    lines = textwrap.wrap(text, 78, break_long_words=False, break_on_hyphens=False)
    return [_line(_plain(line)) for line in lines]


def _marked(part: str) -> str:
    """A part of a synopsis, its options bold."""
    text = " | ".join(_plain(option, _FIXED_BLANK) for option in part.split(" | "))
    return _line(re.sub(r"(?<![\w-])((?:\\-){1,2}[a-zA-Z](?:\w|\\-)*)", r"\\fB\1\\fR", text))


def _line(roff: str) -> str:
    """A line of text. What begins with a period roff takes for a request."""
    return rf"\&{roff}" if roff.startswith(".") else roff


def _bold(text: str) -> str:
    return f"\\fB{_plain(text)}\\fR"


def _plain(text: str, blank: str = " ") -> str:
    return text.translate(_ROFF).replace(" ", blank)
