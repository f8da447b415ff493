"""The packages of the [bench] extra that compute metrics."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from jndlic.errors import MetricError


def missing(package: str) -> MetricError:
    """What to raise where a package is not installed."""
    return MetricError(f"this metric needs the `{package}` package: pip install 'jndlic[bench]'")


def name_and_version(package: str) -> str:
    """As result files name what computed a value.

    Raises:
        MetricError: the package is not installed.
    """
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError as error:
        raise missing(package) from error
