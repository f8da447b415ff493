"""What a search over a large photo costs: evaluations, and the time of encoder, decoder and
judge.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from jndlic.choices import DEFAULT_PROFILE, OPTIMIZED_CODECS, PREDICTORS, PROFILES, SEARCH_RULES
from jndlic.codecs.codec import Session
from jndlic.codecs.presets import open_preset
from jndlic.console import run_command
from jndlic.files import write_atomically
from jndlic.images.files import load
from jndlic.images.picture import Picture
from jndlic.optimize.predictors.predictor import Judge, Predictor
from jndlic.optimize.predictors.profiles import profile
from jndlic.optimize.predictors.registry import open_predictor
from jndlic.optimize.target import optimize

SIZE = (4000, 3000)
"""Width and height: 12 megapixels."""


class Clock:
    """Wall time by the names of what was done."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def measure(self, name: str) -> Generator[None, None, None]:
        """Adds what the block takes to `seconds[name]`."""
        start = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - start


class TimedSession:
    """A session under a clock: "encode" and "decode" where it shows files, else "view"."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session, self._clock = session, clock
        self.levels, self.reference, self.real = session.levels, session.reference, session.real

    def view(self, level: int) -> np.ndarray:
        """See Session."""
        if self.real:
            return self.decode(self.encode(level))
        with self._clock.measure("view"):
            return self._session.view(level)

    def encode(self, level: int) -> bytes:
        """See Session."""
        with self._clock.measure("encode"):
            return self._session.encode(level)

    def decode(self, data: bytes) -> np.ndarray:
        """See Session."""
        with self._clock.measure("decode"):
            return self._session.decode(data)


class TimedPredictor:
    """A predictor under a clock: "prepare" for the original, "judge" for the versions."""

    def __init__(self, predictor: Predictor, clock: Clock) -> None:
        self._predictor, self._clock = predictor, clock
        self.name, self.smooth, self.highest = predictor.name, predictor.smooth, predictor.highest

    def judge(self, reference: np.ndarray) -> Judge:
        """See Predictor."""
        with self._clock.measure("prepare"):
            return TimedJudge(self._predictor.judge(reference), self._clock)


class TimedJudge:
    """See TimedPredictor."""

    def __init__(self, judge: Judge, clock: Clock) -> None:
        self._judge, self._clock = judge, clock

    def score(self, distorted: np.ndarray) -> float:
        """See Judge."""
        with self._clock.measure("judge"):
            return self._judge.score(distorted)


def large(picture: Picture, size: tuple[int, int] = SIZE) -> Picture:
    """The picture repeated, every second time mirrored, up to a size: as much detail in every pixel
    as before.

    Args:
        picture: any.
        size: width and height of the result.
    """
    width, height = size
    pixels = np.pad(
        picture.pixels,
        ((0, max(0, height - picture.height)), (0, max(0, width - picture.width)), (0, 0)),
        mode="symmetric",
    )
    return Picture(np.ascontiguousarray(pixels[:height, :width]))


def measure(
    picture: Picture, codec: str, predictor: str, demand: str, rule: str | None
) -> dict[str, object]:
    """One search, timed.

    Args:
        picture: to search.
        codec: one of OPTIMIZED_CODECS.
        predictor: by name.
        demand: profile, by name.
        rule: of the search; None for the predictor's own.
    """
    import torch

    opened, clock = open_preset(codec), Clock()
    timed = TimedPredictor(open_predictor(predictor), clock)
    # Libraries load at their first use
    timed.judge(np.zeros((64, 64, 3), np.uint8)).score(np.zeros((64, 64, 3), np.uint8))
    clock.seconds.clear()
    start = time.perf_counter()
    with clock.measure("open"):
        session = TimedSession(opened.session(picture), clock)
    found = optimize(session, timed, profile(demand), rule)
    total = time.perf_counter() - start
    return {
        "codec": codec,
        "predictor": predictor,
        "profile": demand,
        "megapixels": picture.width * picture.height / 1e6,
        "threads": torch.get_num_threads(),
        "level": found.level,
        "bytes": len(found.data),
        "share": found.share,
        "evaluations": found.evaluations,
        "seconds": {"total": total, **clock.seconds},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; exit codes as those of `jndlic`."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    add = parser.add_argument
    add("picture", type=Path, help="a photo; it is repeated up to the size")
    add(
        "--size",
        type=int,
        nargs=2,
        default=SIZE,
        metavar=("WIDTH", "HEIGHT"),
        help="pixels (default: 4000 3000)",
    )
    add("--codec", choices=OPTIMIZED_CODECS, default="jpeg", help="(default: %(default)s)")
    add("--predictor", choices=PREDICTORS, default="vp", help="(default: %(default)s)")
    add("--profile", choices=PROFILES, default=DEFAULT_PROFILE, help="(default: %(default)s)")
    add("--search", choices=SEARCH_RULES, help="(default: the predictor's own)")
    add("--out", type=Path, metavar="JSON", help="the figures as a file too")
    options = parser.parse_args(argv)

    def work() -> None:
        picture = large(load(options.picture), tuple(options.size))
        text = json.dumps(
            measure(picture, options.codec, options.predictor, options.profile, options.search),
            indent=1,
        )
        print(text)
        if options.out:
            write_atomically(options.out, f"{text}\n".encode())

    return run_command("optimize_cost", work)
