"""Integer networks: exact, the same frozen as in training, and never near an overflow."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from jndlic.errors import WeightsError
from jndlic.network.config import CodecConfig
from jndlic.network.hyperprior import step_size, table_index
from jndlic.network.integer import IntegerConv2d, bound, exact_products
from jndlic.training.codec.integer_masters import (
    IntegerMaster,
    ScaleMaster,
    StepMaster,
    round_through,
)

SMALL = CodecConfig(latent_channels=32, detail_channels=8, hyper_channels=16, jnd_channels=4)


def by_hand(layer: IntegerConv2d, inputs: np.ndarray) -> np.ndarray:
    """The layer from its definition, with Python-sized integers and loops over taps."""
    size = layer.kernel_size[0]
    margin = size // 2
    weight = layer.weight.numpy().astype(np.int64)
    padded = np.pad(inputs.astype(np.int64), ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    rows, columns = inputs.shape[2:]
    total = layer.bias.numpy().astype(np.int64)[None, :, None, None]
    for i in range(size):
        for j in range(size):
            window = padded[:, :, i : i + rows, j : j + columns]
            total = total + np.einsum("oc,bchw->bohw", weight[:, :, i, j], window)
    shift = layer.shift.numpy().astype(np.int64)[None, :, None, None]
    out = (total + ((1 << shift) >> 1)) >> shift
    return np.clip(out, 0, 255) if layer.rectify else out


def layer_of(kernel: int, rectify: bool) -> IntegerMaster:
    torch.manual_seed(5)
    layer = IntegerMaster(
        24, 17, kernel, input_scale=16, output_scale=16, input_max=255, rectify=rectify, gain=3.0
    )
    torch.nn.init.normal_(layer.bias)
    return layer


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("rectify", [True, False])
def test_frozen_and_trainable_layers_match_the_definition(kernel: int, rectify: bool) -> None:
    trainable = layer_of(kernel, rectify)
    frozen = trainable.freeze()
    inputs = torch.randint(0, 256, (2, 24, 7, 5)).float()
    expected = by_hand(frozen, inputs.numpy())
    assert np.array_equal(frozen(inputs).numpy(), expected)
    assert np.array_equal(trainable(inputs).detach().numpy(), expected)
    assert expected.std() > 1.0  # the comparison would be empty if all outputs were clipped


def test_worst_accepted_layer_is_still_exact() -> None:
    layer = IntegerConv2d(512, 1, 1, input_max=255, rectify=False)
    layer.weight.fill_(127)
    layer.bias.fill_(2**24 - 1 - 512 * 127 * 255)  # the bound is 2^24 - 1 on the dot
    layer.check()
    largest = layer(torch.full((1, 512, 1, 1), 255.0))
    assert int(largest) == 2**24 - 1


def test_overflow_is_refused() -> None:
    layer = IntegerConv2d(520, 1, 1, input_max=255, rectify=False)
    layer.weight.fill_(-127)
    with pytest.raises(WeightsError, match="2\\^24"):
        layer.check()


@pytest.mark.parametrize("magnitude", [1e-4, 1.0, 50.0, 1e5])
def test_training_cannot_leave_the_safe_range(magnitude: float) -> None:
    layer = layer_of(3, True)
    with torch.no_grad():
        layer.weight.mul_(magnitude)
    frozen = layer.freeze()  # checks itself
    assert int(frozen.weight.abs().max()) <= 127


@pytest.mark.parametrize("network", [ScaleMaster, StepMaster])
def test_frozen_networks_give_the_same_integers(network: type) -> None:
    torch.manual_seed(0)
    trainable = network(SMALL)
    frozen = trainable.freeze(SMALL)
    channels = SMALL.hyper_channels if network is ScaleMaster else SMALL.jnd_channels
    symbols = torch.randint(-40, 41, (3, channels, 4, 6)).float()
    symbols[0, 0, 0, 0] = 5000.0  # an escaped symbol: clipped alike on both sides
    places = 2 if network is ScaleMaster else 1  # z stands at 1/64, qualities at 1/32
    quality = torch.randint(1, 101, (3, 4 * places, 6 * places))
    expected = trainable(symbols, quality).detach()
    with exact_products("cpu"):
        assert torch.equal(frozen(symbols, quality), expected)
    assert torch.equal(expected, expected.round())
    assert expected.std() > 0


def test_indices_ignore_reduced_precision_settings() -> None:
    frozen = ScaleMaster(SMALL).freeze(SMALL)
    symbols = torch.randint(-40, 41, (1, SMALL.hyper_channels, 4, 4)).float()
    quality = torch.full((1, 8, 8), 50)
    expected = frozen(symbols, quality)
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cpu", torch.bfloat16), exact_products("cpu"):
            assert torch.equal(frozen(symbols, quality), expected)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_straight_through_gradients() -> None:
    values = torch.tensor([-3.4, 0.5, 9.7], requires_grad=True)
    round_through(values).sum().backward()
    assert torch.equal(values.grad, torch.ones(3))
    values.grad = None
    # Gradient +1 pushes values down: allowed inside and above
    bound(values, 0.0, 5.0).sum().backward()
    assert torch.equal(values.grad, torch.tensor([0.0, 1.0, 1.0]))


def test_scales_and_steps_share_one_grid() -> None:
    # Dividing a scale by a step is a subtraction of indices: 0.11 r^(S - d) = (0.11 r^S) / r^d.
    assert float(step_size(torch.tensor(63.0))) == pytest.approx(256 / 0.11, rel=1e-5)
    assert table_index(torch.tensor([5.0, 70.0]), torch.tensor([8.0, 2.0])).tolist() == [0.0, 63.0]
