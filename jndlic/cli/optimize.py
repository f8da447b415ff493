"""`jndlic optimize` and `jndlic encode --visually-lossless`: files just fine enough that people see
no change.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jndlic.choices import (
    DEFAULT_PROFILE,
    OPTIMIZED_CODECS,
    PREDICTORS,
    PROFILES,
    SEARCH_RULES,
)
from jndlic.cli import jobs as cli_jobs
from jndlic.cli import streams
from jndlic.cli.common import (
    Chosen,
    NoCodec,
    add_strict_option,
    finite,
    naming,
    refuse_losses,
    search_facts,
)
from jndlic.console import emit, explained, note, progress, say
from jndlic.errors import JndlicError, ParameterError

if TYPE_CHECKING:
    import numpy as np

    from jndlic.images.picture import Picture
    from jndlic.jnd.regions import Roi
    from jndlic.optimize.batch import Job, Report, Settings
    from jndlic.optimize.predictors.predictor import Predictor
    from jndlic.optimize.predictors.profiles import Profile
    from jndlic.runtime.backend import Backend


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Adds `optimize`."""
    parser = commands.add_parser(
        "optimize", help="the smallest JPEG, WebP, AVIF, JPEG XL or .jlic that still looks the same"
    )
    add = parser.add_argument
    add(
        "input",
        metavar="IN",
        help="picture, or a folder of pictures, folders in it included; - is standard input",
    )
    add(
        "output",
        metavar="OUT",
        help="file, or a folder, which is made if it is not there; - is standard output",
    )
    add(
        "--codec",
        choices=OPTIMIZED_CODECS,
        help="(default: by the suffix of OUT; needed for a folder and for standard output)",
    )
    add_profile(parser, "--profile", default=DEFAULT_PROFILE)
    add_predictor(parser)
    add_search(parser)
    add("--weights", metavar="FILE", help="of jndlic as the codec: others than the shipped ones")
    add("-f", "--force", action="store_true", help="make files anew that are there already")
    add_strict_option(parser)
    add("--json", action="store_true", help="for programs")
    add("--quiet", action="store_true", help="print nothing but errors")
    add("--list-profiles", action=_ListProfiles, help="say what the profiles mean, and end")
    parser.set_defaults(run=_optimize)


def add_encoder_options(
    parser: argparse.ArgumentParser, quality: argparse._MutuallyExclusiveGroup
) -> None:
    """Adds `--visually-lossless` to `encode`, in a group with the quality that it takes the place
    of.
    """
    quality.add_argument(
        "--visually-lossless",
        action="store_true",
        help="the quality is chosen for each picture: the smallest file that looks the same",
    )
    add_profile(parser, "--profile")
    add_predictor(parser)


def check_encoder_options(arguments: argparse.Namespace) -> None:
    """Finds options of `encode` that mean nothing.

    Raises:
        ParameterError: a predictor or a profile, and nothing to predict.
    """
    if arguments.visually_lossless:
        return
    for option in ("profile", "predictor", "predictor_weights"):
        if getattr(arguments, option) is not None:
            raise ParameterError(f"--{option.replace('_', '-')} goes with --visually-lossless")


class VisuallyLossless:
    """Encodes pictures just fine enough. The predictor is loaded when it is first needed.

    Args:
        arguments: of `encode`.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._profile: str = arguments.profile or DEFAULT_PROFILE
        self._name: str | None = arguments.predictor
        self._weights: str | None = arguments.predictor_weights

    def encode(
        self,
        picture: Picture,
        codec: Backend,
        jnd: np.ndarray | str,
        roi: Roi | None,
        input_bytes: int,
        progress: Callable[[float], None] | None,
    ) -> Chosen:
        """See Chooser; the progress is not told: a predictor takes longer than a file."""
        from jndlic.codecs.ours import JndlicSession
        from jndlic.optimize.batch import short_of
        from jndlic.optimize.predictors.profiles import share
        from jndlic.optimize.target import optimize
        from jndlic.pipeline import analyse_picture

        demand, predictor = self._demands
        session = JndlicSession(picture, codec, analyse_picture(picture, codec, jnd, roi=roi))
        found = optimize(session, predictor, demand)
        said = _found(found.level, found.share, found.evaluations)
        wanted = share(demand.score)
        facts = search_facts(found.level, demand.name, wanted, found.share, found.evaluations)
        return Chosen(
            found.data,
            f"{said}, {_saving(len(found.data), input_bytes)}",
            facts,
            () if found.reached else (short_of(demand),),
        )

    @cached_property
    def _demands(self) -> tuple[Profile, Predictor]:
        from jndlic.optimize.predictors.profiles import profile
        from jndlic.optimize.predictors.registry import default_predictor, open_predictor

        demand = profile(self._profile)
        try:
            return demand, open_predictor(self._name or default_predictor(demand), self._weights)
        except (JndlicError, OSError) as error:
            raise NoCodec(error) from error


class _ListProfiles(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from jndlic.optimize.predictors.profiles import profile

        for one in map(profile, PROFILES):
            print(
                f"{one.name:12s} {one.meaning}{' (default)' if one.name == DEFAULT_PROFILE else ''}"
            )
        print(
            "No people looked at what the predictors are calibrated with: shares are a proxy "
            "(docs/optimize.md)."
        )
        parser.exit()


def add_profile(parser: argparse._ActionsContainer, option: str, **settings: Any) -> None:
    """Adds the profile of a search."""
    text = (
        f'how strict "looks the same" is: {", ".join(PROFILES)} (default: {DEFAULT_PROFILE}, three '
        "in four see no change)"
    )
    parser.add_argument(
        option, choices=PROFILES, metavar="PROFILE", help=text.replace("%", "%%"), **settings
    )


def add_search(parser: argparse.ArgumentParser) -> None:
    """Adds the rule of a search."""
    parser.add_argument(
        "--search",
        choices=SEARCH_RULES,
        metavar="RULE",
        help=f"{', '.join(SEARCH_RULES)} (default: the predictor's own)",
    )


def add_predictor(parser: argparse.ArgumentParser) -> None:
    """Adds what judges pictures in a search."""
    text = (
        f"what judges: {', '.join(PREDICTORS)} (default: vp; for the profile strict: ssimulacra2); "
        "butteraugli needs libjxl's butteraugli_main"
    )
    parser.add_argument("--predictor", choices=PREDICTORS, metavar="NAME", help=text)
    parser.add_argument(
        "--predictor-weights", metavar="FILE", help="of vp or sg: others than the shipped ones"
    )


def _optimize(arguments: argparse.Namespace) -> int:
    source, target = arguments.input, streams.named_output(arguments.output)
    folder = os.path.isdir(source)
    codec = _codec(target, arguments.codec, folder)
    if not folder:
        streams.check(source, target, arguments.force, arguments.force)
        if arguments.json and target == streams.STANDARD:
            raise ParameterError("--json: standard output holds the file already")
    elif target == streams.STANDARD or (os.path.exists(target) and not os.path.isdir(target)):
        raise ParameterError(f"{target}: a folder of pictures goes into a folder")
    from jndlic.codecs.presets import open_preset
    from jndlic.optimize.batch import Job, Settings, find_jobs
    from jndlic.optimize.predictors.profiles import profile
    from jndlic.optimize.predictors.registry import default_predictor, open_predictor

    demand = profile(arguments.profile)
    jobs = find_jobs(Path(source), Path(target), codec) if folder else [Job(source, target)]
    settings = Settings(
        codec,
        open_preset(codec, arguments.weights),
        open_predictor(
            arguments.predictor or default_predictor(demand), arguments.predictor_weights
        ),
        demand,
        arguments.search,
    )
    if not folder:
        reports, failures, skipped = [_make(jobs[0], settings, arguments.strict)], [], []
    else:
        skipped = [] if arguments.force else [job for job in jobs if os.path.exists(job.target)]
        there = set(skipped)
        left = [job for job in jobs if job not in there]
        reports, failures = _run(left, settings, arguments.strict, not arguments.quiet)
    if arguments.json:
        emit(
            json.dumps(
                _facts(reports, failures, [job.target for job in skipped], settings), indent=2
            )
        )
    elif not arguments.quiet:
        to_stderr = target == streams.STANDARD
        say(_table(reports, target) if folder else _line(reports[0]), to_stderr)
        if skipped:
            say(f"{len(skipped)} skipped, there already; --force makes them anew")
    if not arguments.quiet:
        for report in reports:
            _warn_of(report, settings)
    for name, reason in failures:
        note(f"jndlic: {reason if name in reason else f'{name}: {reason}'}")
    return 1 if failures else 0


def _codec(target: str, chosen: str | None, folder: bool) -> str:
    from jndlic.codecs.presets import codec_of

    if folder:
        if chosen is None:
            raise ParameterError("--codec is needed for a folder")
        return chosen
    try:
        told = codec_of(target)
    except ParameterError:
        if chosen is None and target == streams.STANDARD:
            raise ParameterError("--codec is needed for standard output") from None
        if chosen is None:
            raise
        return chosen  # a suffix of the user's own
    if chosen not in (None, told):
        raise ParameterError(f"{target}: the suffix says {told}, --codec {chosen}")
    return told


def _make(job: Job, settings: Settings, strict: bool) -> Report:
    """Reads a picture, searches, and writes the file, whole or not at all.

    Raises:
        JndlicError: the picture cannot be read, encoded or judged, or is not wholly kept.
        OSError: a file cannot be read or written.
    """
    from jndlic.optimize.batch import optimized

    with naming(cli_jobs.Job(job.source, job.target)):
        data, report = optimized(
            streams.read(job.source), job, settings, lambda losses: refuse_losses(losses, strict)
        )
    streams.write(job.target, data)
    return report


def _run(
    jobs: Sequence[Job], settings: Settings, strict: bool, shown: bool
) -> tuple[list[Report], list[tuple[str, str]]]:
    """Reports of the pictures that went well; the others with what went wrong."""
    reports, failures = [], []
    for job in progress(jobs, shown=shown):
        try:
            os.makedirs(os.path.dirname(job.target) or ".", exist_ok=True)
            reports.append(_make(job, settings, strict))
        except (JndlicError, OSError, MemoryError) as error:
            failures.append((job.source, explained(error)))
    return reports, failures


def _facts(
    reports: Sequence[Report],
    failures: Sequence[tuple[str, str]],
    skipped: Sequence[str],
    settings: Settings,
) -> dict[str, object]:
    files: list[dict[str, object]] = []
    for report in reports:
        fields = report._asdict()
        warnings = fields.pop("losses")
        fields["score"] = finite(report.score)
        files.append({**fields, "saving": report.saving, "warnings": list(warnings)})
    return {
        "codec": settings.preset,
        "predictor": settings.predictor.name,
        "profile": settings.profile.name,
        "files": files,
        "failed": [{"source": source, "error": reason} for source, reason in failures],
        "skipped": list(skipped),
        "bytes": sum(report.bytes for report in reports),
        "input_bytes": sum(report.input_bytes for report in reports),
    }


def _line(report: Report) -> str:
    said = _found(report.level, report.share, report.evaluations)
    return (
        f"{streams.output_name(report.target)}: {report.bytes} bytes, {said}, "
        f"{_saving(report.bytes, report.input_bytes)}"
    )


def _found(level: int, share: float, evaluations: int) -> str:
    return f"level {level}, {share:.1%} see no change, {evaluations} evaluations"


def _saving(size: int, input_size: int) -> str:
    saving = 1 - size / max(input_size, 1)
    return f"{abs(saving):.1%} {'smaller' if saving >= 0 else 'larger'} than the input"


def _table(reports: Sequence[Report], folder: str) -> str:
    names = [str(Path(report.target).relative_to(folder)) for report in reports]
    width = max(map(len, (*names, "total")))
    lines = [
        f"{'file':{width}s} {'level':>5s} {'bytes':>10s} {'saving':>8s} {'no change':>9s} "
        f"{'evaluations':>11s}"
    ]
    for name, report in zip(names, reports):
        share = f"{report.share:.1%}{'' if report.reached else '*'}"
        lines.append(
            f"{name:{width}s} {report.level:5d} {report.bytes:10d} {report.saving:8.1%} "
            f"{share:>9s} {report.evaluations:11d}"
        )
    size, before = (
        sum(report.bytes for report in reports),
        sum(report.input_bytes for report in reports),
    )
    total = f"{1 - size / before:8.1%}" if before else " " * 8
    lines.append(
        f"{'total':{width}s} {'':5s} {size:10d} {total} {'':9s} "
        f"{sum(report.evaluations for report in reports):11d}"
    )
    return "\n".join(lines)


def _warn_of(report: Report, settings: Settings) -> None:
    from jndlic.optimize.batch import short_of

    for loss in report.losses:
        note(f"jndlic: {streams.input_name(report.source)}: {loss}")
    if not report.reached:
        note(f"jndlic: {streams.output_name(report.target)}: {short_of(settings.profile)}")
    if report.same_format and report.bytes > report.input_bytes:
        note(
            f"jndlic: {streams.output_name(report.target)}: larger than {report.source}, which is "
            f"{settings.preset} already: better keep that"
        )
