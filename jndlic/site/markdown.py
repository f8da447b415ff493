"""What generated pages share: text that stays text in Markdown."""

from __future__ import annotations

import re


def escaped(text: str) -> str:
    """Text of one paragraph whose characters mean nothing to Markdown, also in a table; what stands
    in backticks remains code.
    """
    parts = re.split(r"(`[^`]+`)", " ".join(text.split()))
    return "".join(
        part if number % 2 else re.sub(r"([\\*_<>\[\]|#`~])", r"\\\1", part)
        for number, part in enumerate(parts)
    )


def code(text: str) -> str:
    """A word as code; also in a table."""
    return f"`{text}`"


def fenced(text: str, language: str) -> str:
    """Lines of code."""
    return f"```{language}\n{text}\n```"
