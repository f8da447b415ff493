"""From a download to a folder that training can trust: every picture decoded once, the rest left
out with a reason.

    folder, .zip or .tar ─► decode ─► whole, large enough, not there yet?
                                      ├─ yes ─► OUT/same/path + OUT/manifest.tsv
                                      └─ no ──► OUT/rejected.tsv

Nothing about the sets is built in: Flickr2W (an archive with folders of JPEG files), DIV2K and CLIC
(archives of PNG files) and any folder tree of pictures go the same way.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, cast

from tqdm import tqdm

from jndlic.console import BAD_INPUT, GOOD, run_command
from jndlic.errors import ImageError, ParameterError
from jndlic.files import write_atomically
from jndlic.images.files import load
from jndlic.images.folders import SUFFIXES, is_image

MANIFEST_COLUMNS = "path\twidth\theight\tbytes\tsha256 of the file\n"
REJECTED_COLUMNS = "path\treason\n"


class Entry(NamedTuple):
    """One candidate."""

    path: PurePosixPath
    """Relative; safe to join to a folder."""
    place: Callable[[Path], None]
    """Puts the file's bytes there."""


class Summary(NamedTuple):
    """What became of the candidates."""

    kept: int
    rejected: int


def prepare(source: Path, output: Path, min_side: int) -> Summary:
    """Check a set of pictures and lay the good ones out below a folder.

    A run that was cut short is simply started again.

    Args:
        source: folder, .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz.
        output: folder to fill; files come as hard links where source and output allow it, else as
            copies.
        min_side: pictures with a shorter side are left out.

    Returns:
        Numbers of pictures.

    Raises:
        ParameterError: the source is missing, of another kind, damaged, or holds the output.
        OSError: a file cannot be written.
    """
    if source.is_dir() and output.resolve().is_relative_to(source.resolve()):
        raise ParameterError(f"{output} lies in {source}: name a folder outside it")
    output.mkdir(parents=True, exist_ok=True)
    manifest, rejected, seen = [MANIFEST_COLUMNS], [REJECTED_COLUMNS], {}
    for entry in tqdm(entries(source), desc=f"checking {source.name}", unit="picture"):
        target = output / entry.path
        try:
            entry.place(target)
            line, pixels_hash = describe(target, entry.path, min_side)
            if pixels_hash in seen:
                raise ImageError(f"same pixels as {seen[pixels_hash]}")
        except ImageError as error:
            target.unlink(missing_ok=True)
            rejected.append(f"{entry.path}\t{' '.join(str(error).split())}\n")
            continue
        seen[pixels_hash] = entry.path
        manifest.append(line)
    write_atomically(output / "manifest.tsv", "".join(manifest).encode())
    write_atomically(output / "rejected.tsv", "".join(rejected).encode())
    return Summary(len(manifest) - 1, len(rejected) - 1)


def describe(path: Path, name: PurePosixPath, min_side: int) -> tuple[str, bytes]:
    """A line for the manifest, and a hash of the pixels.

    Raises:
        ImageError: the picture is damaged or too small.
    """
    pixels = load(path).pixels
    height, width = pixels.shape[:2]
    if min(height, width) < min_side:
        raise ImageError(f"{width} x {height} pixels: smaller than {min_side}")
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    line = f"{name}\t{width}\t{height}\t{len(content)}\t{digest}\n"
    return line, hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()


def entries(source: Path) -> Iterator[Entry]:
    """The candidates of a folder or archive, in the order of their names.

    Raises:
        ParameterError: the source is none of these.
    """
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if is_image(path):
                yield Entry(
                    PurePosixPath(path.relative_to(source).as_posix()),
                    lambda target, path=path: _link(path, target),
                )
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            for info in sorted(archive.infolist(), key=lambda info: info.filename):
                if (name := _safe(info.filename)) and not info.is_dir():
                    yield Entry(
                        name, lambda target, info=info: _extract(lambda: archive.open(info), target)
                    )
    elif source.is_file() and tarfile.is_tarfile(source):
        # In its own order: a compressed one cannot be read in another
        with tarfile.open(source) as archive:
            for info in archive:
                if (name := _safe(info.name)) and info.isfile():
                    yield Entry(
                        name,
                        lambda target, info=info: _extract(
                            lambda: cast(IO[bytes], archive.extractfile(info)), target
                        ),
                    )
    else:
        raise ParameterError(f"{source} is no folder and no .zip or .tar archive")


def _safe(name: str) -> PurePosixPath | None:
    """The path of a picture in an archive; None for other files and for paths that lead outside."""
    path = PurePosixPath(name.replace("\\", "/"))
    if (
        path.suffix.lower() not in SUFFIXES
        or path.name.startswith("._")
        or path.is_absolute()
        or ".." in path.parts
    ):
        return None
    return None if ":" in path.parts[0] else path


def _link(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(path, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(path, target)


def _extract(opened: Callable[[], IO[bytes]], target: Path) -> None:
    """Copy one member.

    Raises:
        ImageError: the archive is damaged here.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with opened() as stream, open(target, "wb") as file:
            shutil.copyfileobj(stream, file)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        EOFError,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise ImageError(f"damaged archive: {error}") from error


def main(argv: list[str] | None = None) -> int:
    """Command line of the preparation."""
    parser = argparse.ArgumentParser(
        description="check a set of photos for training: Flickr2W, DIV2K, CLIC, any folder"
    )
    parser.add_argument("source", type=Path, help="folder, .zip or .tar archive")
    parser.add_argument(
        "output", type=Path, help="folder for the good ones, manifest.tsv and rejected.tsv"
    )
    parser.add_argument(
        "--min-side", type=int, default=256, help="shortest side in pixels (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    return run_command("prepare_data", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    try:
        summary = prepare(options.source, options.output, options.min_side)
    except (tarfile.TarError, EOFError) as error:
        raise ImageError(f"{options.source}: damaged archive: {error}") from error
    print(
        f"{summary.kept} pictures in {options.output}, {summary.rejected} left out (see "
        "rejected.tsv)"
    )
    return GOOD if summary.kept else BAD_INPUT
