"""The same as `jndlic decode`, from a checkout that is not installed: tools/decode.py IN OUT."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from jndlic.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["decode", *sys.argv[1:]]))
