"""`python -m jndlic`: the same as the command `jndlic`."""

from __future__ import annotations

import sys

from jndlic.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
