"""Where the shipped weights are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from jndlic import shipped_weights
from jndlic.errors import WeightsError


@pytest.fixture
def module_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretends that the package lies in an empty folder, and returns that folder."""
    package = tmp_path / "jndlic"
    package.mkdir()
    monkeypatch.setattr(shipped_weights, "__file__", str(package / "shipped_weights.py"))
    return package


def add(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.safetensors"
    path.write_bytes(b"")
    return path


def test_checkout(module_in: Path) -> None:
    expected = add(module_in.parent / "weights", "some")
    assert shipped_weights.shipped_weights("some").resolve() == expected.resolve()
    assert shipped_weights.shipped_names() == ["some"]


def test_installed_weights_come_first(module_in: Path) -> None:
    add(module_in.parent / "weights", "some")  # somebody else's folder beside an installed package
    expected = add(module_in / "shipped", "other")
    assert shipped_weights.shipped_names() == ["other"]
    assert shipped_weights.shipped_weights("other").resolve() == expected.resolve()


def test_absent(module_in: Path) -> None:
    with pytest.raises(WeightsError, match="none"):
        shipped_weights.shipped_weights("some")


@pytest.mark.parametrize("name", ["", ".", "../secret", "/etc/secret", "some.safetensors", "SOME*"])
def test_names_do_not_lead_out(module_in: Path, name: str) -> None:
    add(module_in.parent / "weights", "some")
    add(module_in.parent, "secret")
    with pytest.raises(WeightsError, match="some"):
        shipped_weights.shipped_weights(name)


def test_default_weights_are_shipped() -> None:
    from jndlic.shipped_weights import DEFAULT_WEIGHTS

    assert shipped_weights.shipped_weights(DEFAULT_WEIGHTS).stat().st_size > 1_000_000
