"""Which studies there are. Their sources are read, not imported: a list needs no libraries."""

from __future__ import annotations

import ast
from pathlib import Path


def questions() -> dict[str, str]:
    """What each study asks (the first paragraph of its text) by its name: modules with a `main`."""
    found: dict[str, str] = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            text = (ast.get_docstring(tree) or "").partition("\n\n")[0]
            found[path.stem] = " ".join(text.split())
    return found
