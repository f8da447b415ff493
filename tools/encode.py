"""The same as `jndlic encode`, from a checkout that is not installed: tools/encode.py IN OUT [-q
1..100].
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from jndlic.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["encode", *sys.argv[1:]]))
