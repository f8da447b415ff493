"""The float networks as ONNX graphs, so that a codec runs without torch.

    pixels, map ─► analysis ─► features ─► latent (quality) ─► y, z, z_J
    z, z_J, quality ─► hidden ─► mean-0 ... mean-3 (latents so far) ─► μ of each phase
    z_J, z, k, d, quality ─► pixels ─► picture

A graph holds no weights: it names them, and whoever runs it gives them from the same weights file
(jndlic/runtime/onnx_backend.py). Any size goes through, in steps of 64 pixels.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from jndlic.format.grid import HYPER_STRIDE, JND_STRIDE, LATENT_STRIDE
from jndlic.network.analysis import AnalysisOutput
from jndlic.network.codec import Codec, dequantised, side_symbols
from jndlic.network.mean_context import LATENT_SCALE, from_phases

OPSET = 20
EXAMPLE_ROWS, EXAMPLE_COLUMNS = 2, 3
"""Size of the example that is traced, in units of 64 pixels; equal or single sides would be taken
for constants."""


class _Analysis(nn.Module):
    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.analysis = codec.analysis

    def forward(self, pixels: Tensor, jnd: Tensor) -> AnalysisOutput:
        """(1, H, W, 3) uint8 and float32."""
        return self.analysis(pixels.permute(0, 3, 1, 2).float(), jnd.permute(0, 3, 1, 2))


class _Latent(nn.Module):
    median_z: Tensor
    median_z_jnd: Tensor

    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.analysis, self.hyper_analysis = codec.analysis, codec.hyper_analysis
        self.jnd_head = codec.jnd_head
        self.register_buffer("median_z", codec.median_z)
        self.register_buffer("median_z_jnd", codec.median_z_jnd)

    def forward(
        self, features: Tensor, detail: Tensor, jnd_features: Tensor, quality: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        latent = self.analysis.latent(AnalysisOutput(features, detail, jnd_features), quality)
        z = side_symbols(self.hyper_analysis(latent, quality), self.median_z)
        z_jnd = side_symbols(self.jnd_head(jnd_features), self.median_z_jnd)
        return latent, z.to(torch.int32), z_jnd.to(torch.int32)


class _Hidden(nn.Module):
    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.context = codec.context

    def forward(self, z_jnd: Tensor, z: Tensor, quality: Tensor) -> Tensor:
        return self.context.hidden(z.float(), z_jnd.float(), quality)


class _Mean(nn.Module):
    def __init__(self, codec: Codec, phase: int) -> None:
        super().__init__()
        self.context, self.phase = codec.context, phase

    def forward(self, hidden: Tensor, *latents: Tensor) -> Tensor:
        known = (from_phases(list(latents)) / LATENT_SCALE,) if latents else ()
        return self.context.passes[self.phase](hidden, *known)


class _Pixels(nn.Module):
    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.context, self.synthesis = codec.context, codec.synthesis

    def forward(
        self, z_jnd: Tensor, z: Tensor, k: Tensor, step_index: Tensor, quality: Tensor
    ) -> Tensor:
        index = step_index.float()
        symbols = z_jnd.float(), z.float(), k.float()
        latent = dequantised(self.context, *symbols, index, quality)
        return self.synthesis(latent, index, quality).clamp(0.0, 255.0).permute(0, 2, 3, 1)


class _Input(NamedTuple):
    """One input of a graph."""

    name: str
    channels: int
    """0: a plane without channels."""
    stride: int
    """Pixels between its values."""
    type: torch.dtype = torch.float32
    channels_last: bool = False

    def example(self) -> Tensor:
        """Zeros of the example's size; ones where they are qualities."""
        rows, columns = (HYPER_STRIDE // self.stride * n for n in (EXAMPLE_ROWS, EXAMPLE_COLUMNS))
        if not self.channels:
            return torch.ones(1, rows, columns, dtype=self.type)
        whole = torch.zeros(1, self.channels, rows, columns, dtype=self.type)
        return whole.permute(0, 2, 3, 1).contiguous() if self.channels_last else whole

    def free(self) -> dict[int, object]:
        """Which sides may change, and how they hang together."""
        factor = HYPER_STRIDE // self.stride
        first = 2 if self.channels and not self.channels_last else 1
        rows, columns = (torch.export.Dim(side, min=1, max=1 << 20) for side in ("rows", "columns"))
        return {first: factor * rows, first + 1: factor * columns}


def graphs(codec: Codec) -> dict[str, bytes]:
    """Every graph by name: ONNX files without their weights.

    Args:
        codec: frozen; on the CPU.
    """
    return {name: _graph(module.eval(), inputs) for name, module, inputs in _plan(codec)}


def _plan(codec: Codec) -> Iterator[tuple[str, nn.Module, list[_Input]]]:
    sizes = codec.config
    quality = _Input("quality", 0, JND_STRIDE, torch.int64)
    z_jnd = _Input("z_jnd", sizes.jnd_channels, JND_STRIDE, torch.int32)
    z = _Input("z", sizes.hyper_channels, HYPER_STRIDE, torch.int32)
    k, step_index = (
        _Input(name, sizes.latent_channels, LATENT_STRIDE, torch.int32) for name in ("k", "d")
    )
    yield (
        "analysis",
        _Analysis(codec),
        [_Input("pixels", 3, 1, torch.uint8, True), _Input("jnd", 3, 1, channels_last=True)],
    )
    features = [
        _Input("features", sizes.coarse_channels, LATENT_STRIDE),
        _Input("detail", sizes.detail_channels, LATENT_STRIDE),
        _Input("jnd_features", sizes.coarse_channels, LATENT_STRIDE),
    ]
    yield "latent", _Latent(codec), [*features, quality]
    yield "hidden", _Hidden(codec), [z_jnd, z, quality]
    hidden = _Input("hidden", codec.context.hidden_channels, LATENT_STRIDE)
    parts = [
        _Input(f"latent_{phase}", sizes.latent_channels, 2 * LATENT_STRIDE) for phase in range(3)
    ]
    for phase in range(len(codec.context.passes)):
        yield f"mean-{phase}", _Mean(codec, phase), [hidden, *parts[:phase]]
    yield "pixels", _Pixels(codec), [z_jnd, z, k, step_index, quality]


def _graph(module: nn.Module, inputs: list[_Input]) -> bytes:
    names = [entry.name for entry in inputs]
    free = tuple(entry.free() for entry in inputs)
    # A module with *latents has them as one argument
    shapes = (free[0], free[1:]) if isinstance(module, _Mean) and free[1:] else free
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter, about names of sides
        program = torch.onnx.export(
            module,
            tuple(entry.example() for entry in inputs),
            dynamo=True,
            verbose=False,
            input_names=names,
            dynamic_shapes=shapes,
            opset_version=OPSET,
            external_data=False,
        )
    model = cast("torch.onnx.ONNXProgram", program).model_proto
    return _without_weights(model, dict(module.state_dict()))


def _without_weights(model, weights: dict[str, Tensor]) -> bytes:
    """A serialised model that only names its weights, without what the exporter notes about its
    source.
    """
    import onnx

    for tensor in model.graph.initializer:
        if tensor.name in weights:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", "weights"
    for part in (
        model,
        model.graph,
        *model.graph.node,
        *model.graph.initializer,
        *model.graph.input,
        *model.graph.output,
    ):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    model.graph.ClearField("value_info")
    return model.SerializeToString(deterministic=True)
