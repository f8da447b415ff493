"""One picture or a tree of them, each made as small as a profile allows."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jndlic.codecs.codec import ImageCodec, Session
from jndlic.codecs.presets import PRESETS, losses
from jndlic.errors import ImageError, ParameterError
from jndlic.images.files import decoded, load
from jndlic.images.folders import is_image, renamed
from jndlic.images.picture import Picture
from jndlic.optimize.predictors.predictor import Predictor
from jndlic.optimize.predictors.profiles import Profile
from jndlic.optimize.target import Outcome, optimize


class Settings(NamedTuple):
    """How every picture is treated."""

    preset: str
    """Name of the codec on the command line, one of PRESETS."""
    codec: ImageCodec
    predictor: Predictor
    profile: Profile
    rule: str | None = None
    """Of the search; None for the predictor's own."""


class Job(NamedTuple):
    """A picture and the file to be made of it, by their names."""

    source: str
    target: str


class Report(NamedTuple):
    """What became of a picture."""

    source: str
    target: str
    level: int
    bytes: int
    input_bytes: int
    score: float
    share: float
    """Of observers who see no change, 0 to 1, as the predictor has it."""
    reached: bool
    """Whether the profile is satisfied."""
    evaluations: int
    same_format: bool
    """Whether the input was in the codec's format already."""
    losses: tuple[str, ...] = ()
    """What the output cannot hold of the input."""

    @property
    def saving(self) -> float:
        """Share of the input's bytes that the output does without; negative where it is larger."""
        return 1 - self.bytes / max(self.input_bytes, 1)


def search_file(path: Path, settings: Settings) -> tuple[Session, Outcome]:
    """Reads a picture and searches it.

    Raises:
        JndlicError: it cannot be read, encoded or judged.
        OSError: the file cannot be read.
    """
    picture = load(path, deep=True)
    try:
        return search_picture(picture, settings)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def search_picture(picture: Picture, settings: Settings) -> tuple[Session, Outcome]:
    """Searches a picture.

    Raises:
        JndlicError: it cannot be encoded or judged.
    """
    session = settings.codec.session(picture)
    return session, optimize(session, settings.predictor, settings.profile, settings.rule)


def optimized(
    content: bytes, job: Job, settings: Settings, check: Callable[[tuple[str, ...]], None]
) -> tuple[bytes, Report]:
    """The file of a picture, and what became of it.

    Args:
        content: of the picture's file.
        job: gives names.
        settings: how it is treated.
        check: gets what the output cannot hold of the input, before the search, and what it falls
            short of, after it; what it raises ends the work.

    Raises:
        JndlicError: the picture cannot be read, encoded or judged.
    """
    picture = decoded(io.BytesIO(content), deep=True)
    lost = picture.losses + losses(settings.preset, picture)
    check(lost)
    _, found = search_picture(picture, settings)
    if not found.reached:
        check((short_of(settings.profile),))
    same = os.path.splitext(job.source)[1].lower() in PRESETS[settings.preset].suffixes
    return found.data, Report(
        job.source,
        job.target,
        found.level,
        len(found.data),
        len(content),
        found.score,
        found.share,
        found.reached,
        found.evaluations,
        same,
        lost,
    )


def short_of(profile: Profile) -> str:
    """What is said where no level satisfies a profile."""
    return f"even the finest level falls short of {profile.name}"


def find_jobs(source: Path, target: Path, preset: str) -> list[Job]:
    """The pictures below a folder, in order, each with its place below another one.

    A target is named as its picture with the codec's suffix; where that is the name of several,
    each keeps its own suffix before it. Pictures below the target are none of the source's.

    Raises:
        ImageError: there are none.
        ParameterError: both folders are the same.
    """
    if target.exists() and source.samefile(target):
        raise ParameterError(f"{target}: input and output are the same folder")
    inside = target.resolve()
    pictures = sorted(
        path
        for path in source.rglob("*")
        if is_image(path) and inside not in path.resolve().parents
    )
    if not pictures:
        raise ImageError(f"no pictures in {source}")
    names = renamed(pictures, PRESETS[preset].suffixes[0])
    return [
        Job(str(path), str(target / name.relative_to(source)))
        for path, name in zip(pictures, names)
    ]
