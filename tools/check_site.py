"""Fails where a link of a built site leads nowhere: python tools/check_site.py FOLDER"""

import sys
from pathlib import Path

from jndlic.site.check import faults

if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    found = faults(Path(sys.argv[1]).resolve())
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    sys.exit(bool(found))
