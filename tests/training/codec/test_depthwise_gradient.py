"""The depthwise layer: values and gradients are those of nn.Conv2d."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn

from jndlic.training.codec.depthwise_gradient import TrainedDepthwiseConv2d


def pair(size: int, stride: int) -> tuple[TrainedDepthwiseConv2d, nn.Conv2d]:
    torch.manual_seed(0)
    ours = TrainedDepthwiseConv2d(12, size, stride, size // 2)
    plain = nn.Conv2d(12, 12, size, stride, size // 2, groups=12)
    plain.load_state_dict(ours.state_dict())
    return ours, plain


def gradients(layer: nn.Module, features: torch.Tensor) -> list[torch.Tensor]:
    features = features.clone().requires_grad_()
    result = layer(features)
    (result.float() * torch.linspace(-1, 1, result.numel()).view_as(result)).sum().backward()
    return [result.detach().float(), features.grad, layer.weight.grad, layer.bias.grad]


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (5, 1), (5, 2)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_same_as_conv2d(size: int, stride: int, layout: torch.memory_format) -> None:
    ours, plain = pair(size, stride)
    features = torch.randn(2, 12, 9, 11).to(memory_format=layout)
    for got, wanted in zip(gradients(ours, features), gradients(plain, features)):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)


def test_autocast_keeps_float32_gradients_of_parameters() -> None:
    ours, plain = pair(5, 1)
    features = torch.randn(2, 12, 9, 11)
    with torch.autocast("cpu", torch.bfloat16):
        assert ours(features).dtype == torch.bfloat16
        got = gradients(ours, features)
    for values, wanted in zip(got, gradients(plain, features)):
        assert values.dtype == torch.float32
        torch.testing.assert_close(values, wanted, rtol=0.05, atol=0.05 * wanted.abs().max().item())


def test_frozen_or_without_gradient() -> None:
    ours, plain = pair(5, 1)
    features = torch.randn(1, 12, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(ours(features), plain(features))
    ours.requires_grad_(False)
    torch.testing.assert_close(ours(features), plain(features).detach())
