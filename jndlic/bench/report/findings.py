"""What a benchmark found on one set of pictures, and on all of its sets.

rows ─► Measured (a codec on a set) ─► Findings (a set) ─► Study (all sets) ─► reports
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from jndlic.bench.report import tables
from jndlic.bench.report.summary import Comparison, compare_all
from jndlic.bench.report.tables import Table
from jndlic.bench.run.bdrate import Curve
from jndlic.bench.run.footprint import Footprint
from jndlic.bench.run.measure import Row
from jndlic.bench.run.rows import Measured
from jndlic.metrics.grid_visibility import GRID
from jndlic.metrics.registry import WITHOUT_RATE, title

NOTE = (
    "BD-rate of the mean curves: bits at equal quality, negative where fewer. Below it the mean of "
    "the single pictures' BD-rates, their"
    " standard deviation and the 95 % confidence interval of the mean (bootstrap over the "
    "pictures)."
)


@dataclass(frozen=True)
class Findings:
    """All that was found on one set."""

    name: str
    """Of the set."""
    images: Sequence[Path]
    measured: Sequence[Measured]
    """The first is under test."""
    published: Sequence[Curve]
    anchor: str
    """Name of the codec that all are compared with."""
    metrics: Sequence[str]
    footprints: dict[str, dict[str, Footprint]] = field(default_factory=dict)
    """By codec and job; may be empty."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Kind of picture by the picture's name; pictures that are not in it have none."""

    @property
    def pictures(self) -> str:
        """How many of which set."""
        return f"{len(self.images)} picture{'s' * (len(self.images) > 1)} of {self.name}"

    @cached_property
    def rated(self) -> list[str]:
        """The metrics that have BD-rates."""
        return [name for name in self.metrics if name not in WITHOUT_RATE]

    @cached_property
    def trained_on(self) -> frozenset[str]:
        """Metrics in the loss of any weights that take part."""
        return frozenset(name for one in self.measured for name in one.codec.trained_on)

    @cached_property
    def curves(self) -> list[Curve]:
        """Means of all codecs."""
        return [one.curve() for one in self.measured]

    @cached_property
    def against_tested(self) -> list[Comparison]:
        """The codec under test against every other."""
        rivals = (*self.measured[1:], *self.published)
        return [
            found for rival in rivals for found in compare_all(rival, self.measured[0], self.rated)
        ]

    @cached_property
    def against_anchor(self) -> list[Comparison]:
        """Every codec against the anchor."""
        base = next(
            (one for one in self.measured if one.codec.name == self.anchor), self.measured[0]
        )
        others = (*(one for one in self.measured if one is not base), *self.published)
        return [found for other in others for found in compare_all(base, other, self.rated)]

    @cached_property
    def by_kind(self) -> dict[str, list[Comparison]]:
        """The codec under test against every other on the pictures of each kind, by the kind's name
        and number of pictures.
        """
        counts = Counter(
            kind for image in self.measured[0].images if (kind := self.kinds.get(image))
        )
        found = {}
        for kind, count in sorted(counts.items()):
            tested, *rivals = (
                one.part([image for image in one.images if self.kinds.get(image) == kind])
                for one in self.measured
            )
            pairs = [
                pair
                for rival in rivals
                if rival.images
                for pair in compare_all(rival, tested, self.rated)
            ]
            found[f"{kind} ({count})"] = [pair._replace(spread=None) for pair in pairs]
        return found

    @cached_property
    def summary(self) -> str:
        """A sentence: the range of BD-rates over the metrics that no weights were trained on; empty
        where there are none.
        """
        outside = [name for name in self.rated if name not in self.trained_on]
        parts = []
        for anchor in dict.fromkeys(one.anchor for one in self.against_tested):
            found = sorted(
                one.rate
                for one in self.against_tested
                if one.anchor == anchor and one.metric in outside and math.isfinite(one.rate)
            )
            if found:
                ends = dict.fromkeys(tables.percent(rate) for rate in (found[0], found[-1]))
                parts.append(f"{' to '.join(ends)} against {anchor}")
        if not parts:
            return ""
        names = (
            f"the metrics in no loss ({'; '.join(title(name) for name in outside)})"
            if self.trained_on
            else "these metrics"
        )
        return (
            f"Bits of {self.measured[0].codec.name} at equal quality by {names}: "
            f"{', '.join(parts)}."
        )

    @cached_property
    def rates(self) -> list[Table]:
        """BD-rates: of the codec under test, of all against the anchor, by kind of picture."""
        if not self.rated:
            return []
        tested, marked = self.measured[0].codec.name, self.trained_on
        note = " ".join(filter(None, (NOTE, self.summary)))
        found = [
            tables.rates(
                f"{tested}: bits at equal quality",
                note,
                self.against_tested,
                self.rated,
                True,
                marked,
            ),
            tables.rates(
                f"All codecs against {self.anchor}",
                "As above.",
                self.against_anchor,
                self.rated,
                False,
                marked,
            ),
        ]
        return found + ([tables.kinds(self.by_kind, self.rated, marked)] if self.by_kind else [])

    @cached_property
    def tables(self) -> list[Table]:
        """BD-rates, visibility of the grid, time and memory, operating points."""
        return [
            *self.rates,
            *([tables.grids(self.measured)] if GRID in self.metrics else []),
            *(
                [tables.speed(self.footprints, self.measured[0].largest_image())]
                if self.footprints
                else []
            ),
            *(tables.points(one, self.metrics, self.trained_on) for one in self.measured),
        ]


@dataclass(frozen=True)
class Study:
    """A benchmark on one or several sets."""

    sets: Sequence[Findings]
    """The first is the one of the plots."""
    rows: Sequence[Row]
    """Of all sets."""
    command: str
    machine: str

    @property
    def main(self) -> Findings:
        """The first set."""
        return self.sets[0]

    @property
    def trained_on(self) -> frozenset[str]:
        """Metrics in the loss of any weights that take part, as far as they were measured."""
        return frozenset(name for one in self.sets for name in one.trained_on & set(one.metrics))

    @property
    def title(self) -> str:
        """Of the pages."""
        tested, *others = (one.codec.name for one in self.main.measured)
        return f"{tested} beside {', '.join(others)}" if others else tested

    @property
    def subtitle(self) -> str:
        """What was measured where."""
        pictures = ", ".join(one.pictures for one in self.sets)
        return f"{pictures}; bits of files on disk, decoded 8-bit pixels; {self.machine}"
