"""The stages of the float networks (jndlic/network/stages.py) as ONNX graphs, so that a codec runs
without torch.

A graph holds no weights: it names them (what follows from weights alone, as the kernels of the
filter bank, it holds as worked out), and whoever runs it gives them from the same weights file
(jndlic/runtime/onnx_backend.py). Any size goes through that the strides of its inputs divide.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import cast

import torch
from safetensors.numpy import save
from torch import Tensor

from jndlic.files import write_atomically
from jndlic.network.codec import Codec
from jndlic.network.stages import Input, Stage, stages
from jndlic.runtime.torch_backend import build_network
from jndlic.runtime.weights_file import GRAPHS, deflated, read_weights
from jndlic.tensor_files import read_tensors

OPSET = 20
EXAMPLE_ROWS, EXAMPLE_COLUMNS = 2, 3
"""Size of the example that is traced, in the stage's units; equal or single sides would be taken
for constants.
"""


def graphs(codec: Codec) -> dict[str, bytes]:
    """Every graph by name: ONNX files without their weights.

    Args:
        codec: frozen; on the CPU.
    """
    return {name: _graph(stage) for name, stage in stages(codec).items()}


def renew_graphs(weights: str | Path) -> None:
    """Traces the graphs of a weights file anew, after a change of the stages; all else in it stays.

    Raises:
        WeightsError: the file is missing or damaged, or its parameters do not fit the networks.
    """
    tensors, metadata = read_tensors(weights)
    traced = graphs(build_network(read_weights(weights)))
    kept = {name: value for name, value in tensors.items() if not name.startswith(GRAPHS)}
    kept |= {GRAPHS + name: deflated(graph) for name, graph in traced.items()}
    write_atomically(weights, save(kept, metadata))


def _free_sides(entry: Input, unit: int) -> dict[int, object]:
    """Which sides may change, and how they hang together."""
    factor = unit // entry.stride
    first = 2 if entry.channels and not entry.channels_last else 1
    rows, columns = (torch.export.Dim(side, min=1, max=1 << 20) for side in ("rows", "columns"))
    return {first: factor * rows, first + 1: factor * columns}


def _graph(stage: Stage) -> bytes:
    module, size = stage.module.eval(), (stage.unit * EXAMPLE_ROWS, stage.unit * EXAMPLE_COLUMNS)
    free = tuple(_free_sides(entry, stage.unit) for entry in stage.inputs)
    named_apart = module.forward.__code__.co_argcount - 1
    # What a module takes as *arguments is one argument to the exporter
    shapes = (*free[:named_apart], free[named_apart:]) if len(free) > named_apart else free
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter, about names of sides
        program = torch.onnx.export(
            module,
            tuple(entry.zeros(*size) for entry in stage.inputs),
            dynamo=True,
            verbose=False,
            input_names=[entry.name for entry in stage.inputs],
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
