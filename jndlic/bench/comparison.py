"""Pictures by several codecs at equal sizes, to look at: the work of `jndlic compare`.

picture ─► versions (run/versions.py) ─► layers and table (report/comparison.py) ─► page
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jndlic
from jndlic.bench.report.comparison import AtQuality, table, viewed
from jndlic.bench.report.page_builder import build_comparison
from jndlic.bench.report.tables import Table
from jndlic.bench.run.usable_metrics import usable_metrics
from jndlic.bench.run.versions import EXCESS, Crop, Rival, prepared, rivals_of_size, version
from jndlic.codecs.ours import JndlicSession
from jndlic.codecs.registry import build, parse_spec
from jndlic.errors import JndlicError, ParameterError
from jndlic.images.picture import Picture
from jndlic.metrics.registry import MARK_MEANING, select
from jndlic.pipeline import analyse_picture
from jndlic.runtime.backend import Backend

RIVALS = ("avif", "jxl", "webp", "jpeg")
"""Unless told otherwise."""

OWN = "jndlic"


class Compared(NamedTuple):
    """One picture of the page."""

    layers: dict[str, object]
    """For the viewer."""
    figures: Table
    failures: list[str]
    """What went wrong with some of the rivals."""


class Comparison:
    """What all pictures of a page have in common, and the page itself.

    Args:
        qualities: of jndlic, 1..100, one or more.
        codecs: texts of the rivals as `open_codec` takes them; levels in them are the only ones
            that may be chosen. None: RIVALS, those that can be opened.
        metrics: names, or None for those that can be computed here.
        lpips_weights: file of LPIPS, or None for the usual place.
        jnd: name of the JND model that steers jndlic.

    Raises:
        ParameterError: a wish is wrong.
        JndlicError: a codec or a metric that was asked for is not here.
    """

    def __init__(
        self,
        qualities: Sequence[int],
        codecs: Sequence[str] | None = None,
        metrics: Sequence[str] | None = None,
        lpips_weights: str | None = None,
        jnd: str | None = None,
    ) -> None:
        self._qualities, self._jnd = sorted(set(qualities)), jnd
        self.missing: list[str] = []
        """What is wrong with the usual rivals and metrics that are left out."""
        self._rivals = self._opened(codecs)
        names = usable_metrics(metrics, lpips_weights, self.missing.append)
        self._metrics = select(names, lpips_weights)

    def picture(
        self, name: str, picture: Picture, backend: Backend, crop: Crop | None = None
    ) -> Compared:
        """Encodes, decodes, measures and draws a picture.

        Args:
            name: for the page.
            picture: as it was read.
            backend: networks of jndlic.
            crop: the part that is compared; all of it by default.

        Raises:
            ParameterError, ImageError: see `prepared`.
            JndlicError: jndlic or a metric failed.
        """
        picture = prepared(picture, crop)
        own = JndlicSession(picture, backend, analyse_picture(picture, backend, self._jnd))
        sessions = [(rival, rival.codec.session(picture)) for rival in self._rivals]
        sizes, failures = [], []
        for quality in self._qualities:
            data = own.encode(quality)
            shown = version(OWN, own, quality, data, picture.pixels, self._metrics)
            rivals, failed = rivals_of_size(len(data), picture, sessions, self._metrics)
            sizes.append(AtQuality(quality, shown, rivals))
            failures += failed
        figures = table(name, picture.pixels, sizes, list(self._metrics), backend.trained_on)
        return Compared(
            viewed(name, picture.pixels, sizes, backend), figures, list(dict.fromkeys(failures))
        )

    def page(self, pictures: Sequence[Compared], backend: Backend, crop: Crop | None = None) -> str:
        """The whole page.

        Args:
            pictures: one or more, of `picture`.
            backend, crop: that they were made with.
        """
        part = "" if crop is None else f", {crop[2]} × {crop[3]} pixels at {crop[0]}, {crop[1]}"
        subtitle = (
            "Real files, decoded, beside the original. Each rival is at the level whose file is "
            f"the nearest in size to jndlic's, at most {100 * EXCESS:g} % larger where a level "
            "allows it."
        )
        if set(backend.trained_on) & set(self._metrics):
            subtitle += f" {MARK_MEANING}."
        map_note = f", {self._jnd} map" if self._jnd else ""
        notes = {
            OWN: f"jndlic {jndlic.__version__}, weights {backend.name} (fingerprint "
            f"{backend.fingerprint.hex()}){map_note}",
            **{rival.name: rival.codec.settings for rival in self._rivals},
            "pixels": "8-bit sRGB, upright, on white; files hold no metadata. Images stand in this "
            f"page without loss{'; the files are of the part that is shown' if part else ''}.",
        }
        names = [str(one.layers["name"]) for one in pictures]
        title = f"{names[0]}{part}" if len(names) == 1 else f"{len(names)} pictures{part}"
        return build_comparison(
            title,
            subtitle,
            [one.figures for one in pictures],
            notes,
            [one.layers for one in pictures],
        )

    def _opened(self, codecs: Sequence[str] | None) -> list[Rival]:
        rivals: list[Rival] = []
        for text in dict.fromkeys(codecs or RIVALS):
            spec = parse_spec(text)
            try:
                codec = build(spec)
            except ParameterError:
                raise
            except JndlicError as error:
                if codecs:
                    raise
                self.missing.append(f"without {text}: {error}")
                continue
            chosen = spec.levels or codec.levels
            levels = tuple(level for level in codec.levels if level in chosen)
            if not levels:
                raise ParameterError(f"{text!r}: {spec.kind} has none of these levels")
            taken = {OWN, *(rival.name for rival in rivals)}
            name = f"{codec.name} ({text})" if codec.name in taken else codec.name
            rivals.append(Rival(name, codec, levels))
        return rivals
