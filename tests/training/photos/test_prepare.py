"""Preparation of training sets."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tqdm", reason="needs the [train] extra")

from jndlic.errors import ParameterError
from jndlic.training.photos.prepare import main, prepare


def picture(seed: int, size: tuple[int, int] = (80, 70), form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


FILES = {
    "set/a/1.png": picture(1),
    "set/a/2.jpg": picture(2, form="JPEG"),
    "set/b/1.png": picture(3),
    "set/b/again.bmp.png": picture(1),
    "set/b/tiny.png": picture(4, (80, 20)),
    "set/b/cut.png": picture(5)[:3000],
    "set/b/._1.jpg": b"resource fork",
    "set/readme.txt": b"hello",
}
GOOD = {"set/a/1.png", "set/a/2.jpg", "set/b/1.png"}


def as_folder(root: Path) -> Path:
    for name, content in FILES.items():
        (root / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "folder" / name).write_bytes(content)
    return root / "folder"


def as_zip(root: Path) -> Path:
    with zipfile.ZipFile(root / "set.zip", "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
        archive.writestr("../outside.png", picture(6))
    return root / "set.zip"


def as_tar(root: Path) -> Path:
    with tarfile.open(root / "set.tar.gz", "w:gz") as archive:
        for name, content in [
            *FILES.items(),
            ("/absolute.png", picture(6)),
            ("x/../../outside.png", picture(7)),
        ]:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("set/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return root / "set.tar.gz"


@pytest.mark.parametrize("make", [as_folder, as_zip, as_tar])
def test_good_pictures_arrive(make, tmp_path: Path) -> None:
    source, output = make(tmp_path), tmp_path / "out"
    for _ in range(2):  # the second run changes nothing
        summary = prepare(source, output, 64)
        assert summary.kept == 3 and summary.rejected >= 3
        found = {
            path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()
        }
        assert found == GOOD | {"manifest.tsv", "rejected.tsv"}
    lines = (output / "manifest.tsv").read_text().splitlines()[1:]
    for line in lines:
        name, width, height, size, digest = line.split("\t")
        content = (output / name).read_bytes()
        assert (
            content == FILES[name]
            and int(size) == len(content)
            and (int(width), int(height)) == (70, 80)
        )
        assert digest == hashlib.sha256(content).hexdigest()
    reasons = dict(
        line.split("\t") for line in (output / "rejected.tsv").read_text().splitlines()[1:]
    )
    assert (
        "same pixels" in reasons["set/b/again.bmp.png"] and "smaller" in reasons["set/b/tiny.png"]
    )
    assert "set/b/cut.png" in reasons
    assert not (tmp_path / "outside.png").exists() and not Path("/absolute.png").exists()


def test_source_stays_as_it_is(tmp_path: Path) -> None:
    source = as_folder(tmp_path)
    prepare(source, tmp_path / "out", 64)
    assert {
        path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()
    } == set(FILES)


def test_bad_sources(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ParameterError, match="no folder"):
        prepare(tmp_path / "absent.zip", tmp_path / "out", 64)
    (tmp_path / "in").mkdir()
    with pytest.raises(ParameterError, match="outside"):
        prepare(tmp_path / "in", tmp_path / "in" / "out", 64)
    assert main([str(tmp_path / "absent"), str(tmp_path / "out")]) == 2
    assert "no folder" in capsys.readouterr().err
