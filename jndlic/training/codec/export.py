"""From a training checkpoint to a weights file, and from a weights file to the start of the next
training.

A weights file holds rounded integer networks and finished tables. What training needs beyond it
(the float masters of the integer networks and the entropy bottlenecks) goes into a second file,
`masters/` beside it, which no codec reads.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from jndlic.errors import WeightsError
from jndlic.files import write_atomically
from jndlic.network.codec import Codec
from jndlic.network.config import CodecConfig
from jndlic.network.rules import MAGNITUDE_MAX
from jndlic.runtime import checkpoint as checkpoint_file
from jndlic.runtime.weights_file import FORMAT, GRAPHS, deflated, fingerprint
from jndlic.tensor_files import read_tensors, read_words
from jndlic.training.codec.forward import EntropyModels
from jndlic.training.codec.graphs import graphs
from jndlic.training.codec.mixture import CountTables
from jndlic.training.codec.trainable import trainable_codec

INTEGER_NETWORKS = ("scale_net.", "step_net.", "scale_context.")
LOSS_TERMS = {
    "ms_ssim_weight": "ms-ssim-rgb",
    "lpips_weight": "lpips-squeeze",
    "ssimulacra2_weight": "ssimulacra2",
}
"""Options of CodecTraining, and the metrics that they bring into the loss, by the names of the
benchmark.
"""
MASTER_PREFIXES = (*(f"codec.{name}" for name in INTEGER_NETWORKS), "entropy.")


def export_checkpoint(
    checkpoint: str | Path, output: str | Path, name: str, with_graphs: bool = True
) -> Path:
    """Freeze a checkpoint of `tools/train.py` into a weights file.

    Averaged weights (EMA) are used where the checkpoint has them: Lightning stores them as its
    state. The masters are written too (see `masters_path`).

    Args:
        checkpoint: .ckpt file.
        output: .safetensors file to write.
        name: name of the model, at most 31 ASCII characters; it goes into every .jlic file.
        with_graphs: as for `save_weights`.

    Raises:
        WeightsError: the checkpoint is not one of ours.
    """
    check_name(name)
    content = checkpoint_file.read(checkpoint)
    state, config = _state_and_sizes(content, checkpoint)
    metrics = _metrics_in_loss(content, checkpoint)
    codec = trainable_codec(config)
    entropy = EntropyModels(config.hyper_channels, config.jnd_channels)
    codec.load_state_dict(_part(state, "codec."))
    entropy.load_state_dict(_learned(_part(state, "entropy.")), strict=False)
    save_masters(state, output)
    return save_weights(codec, entropy, output, name, metrics, with_graphs)


def trained_on(checkpoint: str | Path) -> tuple[str, ...]:
    """Names of the metrics in the loss of a checkpoint: the squared error always, the other terms
    where they have a weight.

    What the weights that it started from were trained on counts too: a term that was dropped has
    left its mark.

    Raises:
        WeightsError: the file is no checkpoint, or the weights that it started from are no longer
            there.
    """
    return _metrics_in_loss(checkpoint_file.read(checkpoint), checkpoint)


def check_name(name: str) -> None:
    """Refuses what cannot be the name of a model by a WeightsError."""
    if not (0 < len(name) <= 31 and name.isascii() and name.isprintable()):
        raise WeightsError("the model's name must be 1 to 31 printable ASCII characters")


def sizes_of(weights: str | Path) -> CodecConfig:
    """Sizes of the network of a weights file.

    Raises:
        WeightsError: the file cannot be read, or tells none.
    """
    told = read_words(weights).get("config", "null")
    try:
        return CodecConfig.from_dict(json.loads(told))
    except json.JSONDecodeError as error:
        raise WeightsError(f"{weights}: its sizes are damaged: {error}") from error


def metrics_of(weights: str | Path) -> tuple[str, ...]:
    """The metrics in the loss of a weights file, as it tells them.

    Raises:
        WeightsError: the file cannot be read.
    """
    told = read_words(weights).get("trained_on", "")
    return tuple(name for name in told.split(",") if name)


def masters_path(weights: str | Path) -> Path:
    """Where the masters of a weights file lie: the folder masters/ beside it, same name."""
    return Path(weights).parent / "masters" / Path(weights).name


def save_masters(state: dict[str, Tensor], weights: str | Path) -> None:
    """Write what training needs beside a weights file, see `masters_path`.

    Args:
        state: of CodecTraining.
        weights: the weights file.
    """
    masters = {
        key: value.contiguous()
        for key, value in _learned(state).items()
        if key.startswith(MASTER_PREFIXES)
    }
    masters_path(weights).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(masters_path(weights), save(masters))


def load_start(codec: Codec, entropy: EntropyModels, weights: str | Path) -> None:
    """Let training go on from a weights file and its masters; the optimiser starts anew.

    Args:
        codec: trainable; it may have parts that the file lacks (see `grown`); changed in place.
        entropy: changed in place.
        weights: .safetensors file with masters beside it.

    Raises:
        WeightsError: a file is missing, damaged or of other sizes.
    """
    try:
        tensors = {
            f"codec.{key}": torch.from_numpy(value).float()
            for key, value in read_tensors(weights)[0].items()
            if value.dtype.kind == "f"
        }
        masters, _ = read_tensors(masters_path(weights), "file of masters")
        tensors |= {key: torch.from_numpy(value) for key, value in masters.items()}
        codec.load_state_dict(grown(_part(tensors, "codec."), codec.state_dict()))
        missing = entropy.load_state_dict(_part(tensors, "entropy."), strict=False)
    except (WeightsError, RuntimeError) as error:
        raise WeightsError(f"training cannot start from {weights}: {error}") from error
    if missing.unexpected_keys:
        raise WeightsError(
            f"training cannot start from {weights}: unknown tensors {missing.unexpected_keys[:4]}"
        )


def grown(tensors: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state of a network with more parts, or larger kernels, than the one that was trained.

    New parts keep the state that they begin with, which is made to have no effect; a kernel becomes
    the middle of a larger one.

    Args:
        tensors: as trained.
        wanted: the larger network's own state.

    Returns:
        As `wanted`; a tensor that fits neither way is left as it was trained, for the loader to
        refuse.
    """
    state = dict(wanted)
    for name, value in tensors.items():
        own = wanted.get(name)
        if (
            own is not None
            and value.dim() == own.dim() == 4
            and value.shape[:2] == own.shape[:2]
            and value.shape != own.shape
        ):
            margin = (own.shape[-1] - value.shape[-1]) // 2
            value = torch.nn.functional.pad(value, (margin,) * 4)
        state[name] = value
    return state


def read_checkpoint(checkpoint: str | Path) -> tuple[dict[str, Tensor], CodecConfig]:
    """State and sizes of a checkpoint."""
    return _state_and_sizes(checkpoint_file.read(checkpoint), checkpoint)


def save_weights(
    codec: Codec,
    entropy: EntropyModels,
    output: str | Path,
    name: str,
    metrics: Sequence[str] = (),
    with_graphs: bool = True,
) -> Path:
    """Write networks (floats as float16), graphs and tables.

    Args:
        codec: with float masters.
        entropy: for the tables.
        output: .safetensors file.
        name: of the model.
        metrics: in the loss, see `trained_on`; none: the file does not tell.
        with_graphs: trace the graphs that ONNX Runtime needs, half a minute; without them the file
            is for torch alone.
    """
    frozen = freeze(codec, entropy)
    # Rounded first: the tracing of graphs works out what follows from weights alone
    frozen.load_state_dict(
        {
            key: value.half().float() if value.is_floating_point() else value
            for key, value in frozen.state_dict().items()
        }
    )
    tensors = {
        key: value.half() if value.is_floating_point() else value
        for key, value in frozen.state_dict().items()
    }
    entropy.eval()
    tables = {"latent": entropy.latent.tables()}
    for key, model in (("z", entropy.z), ("z_jnd", entropy.z_jnd)):
        model.update(force=True)
        tables[key] = CountTables(model._quantized_cdf, model._cdf_length, model._offset)
    for key, (cdfs, lengths, offsets) in tables.items():
        tensors[f"tables.{key}.cdf"] = cdfs[torch.arange(cdfs.shape[1]) < lengths[:, None]]
        tensors[f"tables.{key}.lengths"] = lengths
        tensors[f"tables.{key}.offsets"] = offsets
    tensors = {key: value.contiguous().clone() for key, value in tensors.items()}
    if with_graphs:
        tensors |= {
            GRAPHS + key: torch.from_numpy(deflated(graph)) for key, graph in graphs(frozen).items()
        }
    metadata = {
        "format": FORMAT,
        "name": name,
        "config": json.dumps(codec.config.to_dict()),
        "fingerprint": fingerprint({key: value.numpy() for key, value in tensors.items()}).hex(),
    }
    if metrics:
        metadata["trained_on"] = ",".join(metrics)
    write_atomically(Path(output), save(tensors, metadata))
    return Path(output)


@torch.no_grad()
def freeze(codec: Codec, entropy: EntropyModels) -> Codec:
    """The codec with integer networks in place of their float masters."""
    frozen = Codec(codec.config)
    shared = {
        key: value
        for key, value in codec.state_dict().items()
        if not key.startswith(INTEGER_NETWORKS)
    }
    frozen.load_state_dict(shared, strict=False)
    frozen.scale_net = codec.scale_net.freeze(codec.config)
    frozen.step_net = codec.step_net.freeze(codec.config)
    frozen.scale_context = codec.scale_context.freeze(codec.config)
    entropy.neighbours.fit(frozen.neighbours, entropy.latent.probabilities(MAGNITUDE_MAX))
    frozen.median_z.copy_(entropy.z.quantiles[:, 0, 1][None, :, None, None])
    frozen.median_z_jnd.copy_(entropy.z_jnd.quantiles[:, 0, 1][None, :, None, None])
    return frozen


def _metrics_in_loss(content: dict, checkpoint: str | Path) -> tuple[str, ...]:
    options = content.get("hyper_parameters", {})
    names = [
        "psnr-rgb",
        *(name for option, name in LOSS_TERMS.items() if options.get(option, 0.0) > 0.0),
    ]
    if options.get("start_from"):
        try:
            before = metrics_of(options["start_from"])
        except WeightsError as error:
            raise WeightsError(f"{checkpoint} started from other weights: {error}") from error
        names += [name for name in before if name not in names]
    return tuple(names)


def _state_and_sizes(
    content: dict, checkpoint: str | Path
) -> tuple[dict[str, Tensor], CodecConfig]:
    try:
        return content["state_dict"], CodecConfig.from_dict(content["codec_config"])
    except KeyError as error:
        raise WeightsError(
            f"{checkpoint} is not a checkpoint of tools/train.py: it lacks {error}"
        ) from error


def _learned(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the tables built so far: they have the sizes of another moment, and follow from the
    rest.
    """
    return {
        key: value
        for key, value in state.items()
        if not key.endswith(("._offset", "._quantized_cdf", "._cdf_length"))
    }


def _part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)
    }
