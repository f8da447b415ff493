"""What setup.cfg cannot say: packages are found, the weights at the top of the repository travel as
one of them, and manual pages and completion scripts are made from the parsers of the command.
"""

import os
import sys
from pathlib import Path

from setuptools import Command, find_packages, setup
from setuptools.command.build import build

HERE = Path(__file__).resolve().parent


class SystemFiles(Command):
    """Makes the manual pages and the completion scripts. Both go to share/; the scripts also into
    the package, where `jndlic completion` finds them.
    """

    description = "make manual pages and completion scripts"
    user_options = []
    editable_mode = False

    def initialize_options(self) -> None:
        self.build_base = self.build_lib = None

    def finalize_options(self) -> None:
        self.set_undefined_options(
            "build", ("build_base", "build_base"), ("build_lib", "build_lib")
        )

    def run(self) -> None:
        if self.editable_mode:  # `jndlic completion` makes its scripts anew there
            return
        sys.path.insert(0, str(HERE))  # the command as it is here, not as it may be installed
        from jndlic.cli.system_files import completions, manual
        from jndlic.system.completion import COMPLETIONS, PACKAGED

        made = completions()
        inside = Path(self.build_lib, PACKAGED.relative_to(HERE))
        for shell, text in made.items():
            _write(inside / shell, text)
        files = manual() | {COMPLETIONS[shell]: text for shell, text in made.items()}
        data = dict(self.distribution.data_files or ())
        for name, text in files.items():
            path = Path(self.build_base, "share", name)
            _write(path, text)
            data.setdefault(f"share/{os.path.dirname(name)}", []).append(str(path))
        self.distribution.data_files = sorted(data.items())

    def get_source_files(self) -> list[str]:
        return []

    def get_outputs(self) -> list[str]:
        return []

    def get_output_mapping(self) -> dict[str, str]:
        return {}


class Build(build):
    """With the files for the system."""

    sub_commands = [*build.sub_commands, ("system_files", None)]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


setup(
    packages=[*find_packages(include=["jndlic", "jndlic.*"]), "jndlic.shipped"],
    cmdclass={"build": Build, "system_files": SystemFiles},
)
