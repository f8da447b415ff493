"""Where things are that tests read."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""Of the repository."""

SHARED = ROOT.parent / "shared"
"""Pictures, curves and a backbone that are not part of the repository; tests skip without them."""
