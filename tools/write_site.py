"""Writes the pages of the documentation site as Markdown: python tools/write_site.py FOLDER"""

import sys
from pathlib import Path

from jndlic.cli.bench import savings_parser
from jndlic.cli.main import command_parser
from jndlic.console import run_command
from jndlic.site.pages import write_pages

if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder, root = Path(sys.argv[1]), Path(__file__).resolve().parents[1]
    parsers = [command_parser(), savings_parser()]
    sys.exit(run_command("write_site", lambda: write_pages(root, folder, parsers)))
