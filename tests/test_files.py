"""Files that are whole or not there: what replacing one keeps, and what a killed process leaves."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from places import ROOT

from jndlic.errors import ImageError, ParameterError
from jndlic.files import check_paths, check_target, write_atomically


def test_write_atomically_replaces_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    write_atomically(str(path), lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    error: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write(file: io.BufferedWriter) -> None:
        file.write(b"half")
        raise error("no")

    with pytest.raises(error):
        write_atomically(path, write)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_devices_and_missing_folders(tmp_path: Path) -> None:
    write_atomically(os.devnull, b"data")
    assert not Path(os.devnull).is_file()
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "missing" / "file", b"data")
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path, b"data")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_permissions_are_kept(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_read_only_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o444)
    for write in (lambda: write_atomically(path, b"new"), lambda: check_target(path)):
        with pytest.raises(PermissionError, match="read-only") as caught:
            write()
        assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("data", [b"a longer text", b"short"])
def test_all_names_of_a_file_show_the_new_content(data: bytes, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"old content")
    os.link(one, other)
    write_atomically(one, data)
    assert one.read_bytes() == other.read_bytes() == data
    assert one.samefile(other)
    assert sorted(os.listdir(tmp_path)) == ["one", "other"]


def test_what_a_killed_process_leaves_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "file"
    program = (
        "import os, signal, sys\n"
        "from jndlic.files import write_atomically\n"
        "write_atomically(sys.argv[1], lambda file: os.kill(os.getpid(), signal.SIGKILL))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], cwd=ROOT, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert len(os.listdir(tmp_path)) == 1
    write_atomically(path, b"new")
    assert os.listdir(tmp_path) == ["file"] and path.read_bytes() == b"new"


def test_a_living_writer_keeps_its_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def write(file: io.BufferedWriter) -> None:
        write_atomically(path, b"first")
        file.write(b"second")

    write_atomically(path, write)
    assert path.read_bytes() == b"second"
    assert os.listdir(tmp_path) == ["file"]


def test_many_writers_of_one_file(tmp_path: Path) -> None:
    path, errors = tmp_path / "file", []

    def write(letter: bytes) -> None:
        try:
            for _ in range(40):
                write_atomically(path, letter * 1000)
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=write, args=(bytes([65 + i]),)) for i in range(6)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert not errors
    assert os.listdir(tmp_path) == ["file"] and len(set(path.read_bytes())) == 1


def test_errors_name_the_file_that_was_asked_for(tmp_path: Path) -> None:
    def full(file: io.BufferedWriter) -> None:
        raise OSError(28, "No space left on device")

    for path, data in ((tmp_path / "file", full), (tmp_path / "missing" / "file", b"data")):
        with pytest.raises(OSError) as caught:
            write_atomically(path, data)
        assert caught.value.filename == str(path)
    assert not os.listdir(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file sizes")
def test_the_error_of_a_full_disk_names_the_file(tmp_path: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # less than a buffer
    try:
        with pytest.raises(OSError) as caught:
            write_atomically(tmp_path / "file", bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.filename == str(tmp_path / "file")
    assert not os.listdir(tmp_path)


def test_an_error_about_another_file_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_atomically(tmp_path / "file", lambda file: file.write(Path("/none").read_bytes()))
    assert caught.value.filename == "/none"


def test_long_names(tmp_path: Path) -> None:
    path = tmp_path / ("\N{HIRAGANA LETTER A}" * 80)
    write_atomically(path, b"data")
    assert path.read_bytes() == b"data"


def test_open_descriptors_are_written_where_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before, ")
    with open(path, "ab") as file:
        write_atomically(f"/dev/fd/{file.fileno()}", b"behind")
    assert path.read_bytes() == b"before, behind"


def test_pipes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_target(pipe, overwrite=False)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"data")
    reader.join()
    assert got == [b"data"] and os.listdir(tmp_path) == ["pipe"]


def test_what_would_fail_is_found_before(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    check_target(path)
    check_target(tmp_path / "new", overwrite=False)
    with pytest.raises(ImageError, match="exists already"):
        check_target(path, overwrite=False)
    with pytest.raises(ImageError, match="is a folder"):
        check_target(tmp_path)
    with pytest.raises(ImageError, match="does not exist"):
        check_target(tmp_path / "missing" / "file")
    with pytest.raises(ParameterError, match="same file"):
        check_paths(path, tmp_path / "." / "file")
