"""One process of the speed benchmark: it does one job each time a line arrives on standard input.

Answers are JSON lines on standard output: {"peak": bytes} when ready, then {"seconds", "peak",
"stages"} after each repetition. Started by jndlic/bench/studies/speed.py.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jndlic.bench.run.process import peak_memory, timed
from jndlic.runtime.sessions import Sessions

Job = Callable[[], Any]
Stages = Callable[[], dict[str, float]]

RIVAL_QUALITY = 5
RIVAL_STRIDE = 64

FUNCTION_STAGES = {
    "encode": {
        "jnd_map": [("jndlic.jnd.own_map", "map_of_levels")],
        "integer_networks": [
            ("jndlic.runtime.integer_networks", "IntegerNetworks.table_index"),
            ("jndlic.runtime.integer_networks", "IntegerNetworks.refine"),
        ],
        "entropy_coder": [
            ("jndlic.format.segments", "encode_symbols"),
            ("jndlic.format.segments", "encode_groups"),
        ],
    },
    "decode": {
        "integer_networks": [
            ("jndlic.runtime.integer_networks", "IntegerNetworks.table_index"),
            ("jndlic.runtime.integer_networks", "IntegerNetworks.refine"),
        ],
        "entropy_coder": [("jndlic.format.entropy", "SymbolDecoder.decode")],
    },
}
"""Stages that are no graphs: modules and functions."""


def jndlic_job(
    job: str, picture: Path, packed: Path, quality: int, threads: int | None
) -> tuple[Job, Stages]:
    """What to time, and a function that tells the seconds of each stage of the last run.

    Args:
        job: "encode" or "decode".
        picture: PNG.
        packed: .jlic file; read by the decoder.
        quality: 1..100.
        threads: at most so many; None for the codec's own choice.
    """
    from jndlic.api import decode, encode
    from jndlic.runtime.load import load_codec

    codec = load_codec()
    watch = StageWatch(job)
    if job == "decode":
        data = packed.read_bytes()
        return lambda: np.asarray(decode(data, codec=codec, threads=threads)), watch.take
    pixels = _pixels(picture)
    return lambda: encode(pixels, quality, codec=codec, threads=threads), watch.take


def rival_job(job: str, picture: Path, packed: Path, threads: int | None) -> tuple[Job, Stages]:
    """The same for CompressAI's bmshj2018-hyperprior with random weights; it has no stages."""
    # Here, so that the memory of the other codec is its own
    import torch
    import torch.nn.functional as functional
    from compressai.zoo import bmshj2018_hyperprior

    if threads:
        torch.set_num_threads(threads)

    torch.manual_seed(0)
    model = bmshj2018_hyperprior(quality=RIVAL_QUALITY, pretrained=False).eval()
    model.update()
    pixels = _pixels(picture)
    height, width = pixels.shape[:2]
    margin = (0, -width % RIVAL_STRIDE, 0, -height % RIVAL_STRIDE)

    @torch.inference_mode()
    def compress() -> dict:
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255.0
        return model.compress(functional.pad(image, margin, mode="replicate"))

    @torch.inference_mode()
    def decompress() -> np.ndarray:
        image = model.decompress(strings, shape)["x_hat"][0, :, :height, :width]
        return (
            (image.clamp(0.0, 1.0) * 255.0)
            .round()
            .to(torch.uint8)
            .permute(1, 2, 0)
            .contiguous()
            .numpy()
        )

    if job == "decode":
        strings, sides = _unpack_rival(packed.read_text())
        shape = torch.Size(sides)
    return (compress if job == "encode" else decompress), dict


class StageWatch:
    """Seconds that each stage of jndlic takes: the graphs of the network, the integer networks, the
    JND map and the entropy coder.

    This process exists to be measured, so functions are replaced in their modules.
    """

    def __init__(self, job: str) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)
        run = Sessions.run

        def timed_graph(sessions: Sessions, name: str, *inputs: np.ndarray) -> list[np.ndarray]:
            started = time.perf_counter()
            outputs = run(sessions, name, *inputs)
            self._seconds[name.partition("-")[0]] += time.perf_counter() - started
            return outputs

        setattr(Sessions, "run", timed_graph)  # noqa: B010 (pyright wants the same names)
        for stage, functions in FUNCTION_STAGES[job].items():
            for module_name, function_name in functions:
                self._wrap(stage, module_name, function_name)

    def take(self) -> dict[str, float]:
        """The seconds since the last call, by stage."""
        seconds = dict(self._seconds)
        self._seconds.clear()
        return seconds

    def _wrap(self, stage: str, module_name: str, function_name: str) -> None:
        *owners, function_name = function_name.split(".")
        owner = importlib.import_module(module_name)
        for name in owners:
            owner = getattr(owner, name)
        function = getattr(owner, function_name)

        def timed(*arguments: object) -> object:
            started = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                self._seconds[stage] += time.perf_counter() - started

        setattr(owner, function_name, timed)


def _pixels(picture: Path) -> np.ndarray:
    with Image.open(picture) as image:
        return np.array(image.convert("RGB"))


def _pack_rival(packed: dict) -> str:
    strings = [
        [base64.b64encode(string).decode() for string in group] for group in packed["strings"]
    ]
    return json.dumps({"strings": strings, "shape": list(packed["shape"])})


def _unpack_rival(text: str) -> tuple[list[list[bytes]], list[int]]:
    packed = json.loads(text)
    strings = [[base64.b64decode(string) for string in group] for group in packed["strings"]]
    return strings, packed["shape"]


def work(codec: str, job: str, picture: Path, packed: Path, quality: int, threads: int) -> None:
    """Get ready, then work whenever told to.

    Args:
        codec: "jndlic" or "rival".
        job: "encode" (writes `packed` after its first run) or "decode" (reads it).
        picture: PNG.
        packed: the compressed picture.
        quality: of jndlic, 1..100.
        threads: at most so many; 0 for the codec's own choice.
    """
    if codec == "jndlic":
        run, stages = jndlic_job(job, picture, packed, quality, threads or None)
    else:
        run, stages = rival_job(job, picture, packed, threads or None)
    print(json.dumps({"peak": peak_memory()}), flush=True)
    for _ in sys.stdin:
        result, seconds = timed(run)
        peak = peak_memory()
        if job == "encode" and not packed.exists():
            packed.write_bytes(
                result if isinstance(result, bytes) else _pack_rival(result).encode()
            )
        parts = stages()
        if parts:
            parts["other"] = seconds - sum(parts.values())
        print(json.dumps({"seconds": seconds, "peak": peak, "stages": parts}), flush=True)


if __name__ == "__main__":
    name, task, picture_path, packed_path, level, thread_count = sys.argv[1:]
    work(name, task, Path(picture_path), Path(packed_path), int(level), int(thread_count))
