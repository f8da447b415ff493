"""Codecs side by side on a folder of pictures: `tools/benchmark.py PICTURES`, the same as `jndlic
bench`.
"""

import sys

from jndlic.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["bench", *sys.argv[1:]]))
