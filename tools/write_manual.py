"""Writes the manual pages that a wheel brings into a folder: python tools/write_manual.py SHARE"""

import sys
from pathlib import Path

from jndlic.cli.system_files import manual

if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    for name, text in manual().items():
        path = Path(sys.argv[1], name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)
