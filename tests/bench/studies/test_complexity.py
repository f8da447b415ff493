"""Counts of multiplications and parameters."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from small_network import SMALL
from torch.utils.flop_counter import FlopCounterMode

from jndlic.bench.studies.complexity import (
    Complexity,
    complexity,
    format_table,
    main,
    run_decoder,
    run_encoder,
)
from jndlic.network.codec import Codec
from jndlic.runtime.load import load_torch_codec

HATS = 8  # quality planes beside the symbols


@pytest.fixture(scope="module")
def small() -> Complexity:
    return complexity(Codec(SMALL), 64, 128)


def test_against_a_count_by_hand(small: Complexity) -> None:
    parts = {part.name: part for part in small.parts}
    # layers at 1/16 count 1/256 a pixel, those at 1/32 count 1/1024
    head = SMALL.coarse_channels * 64 / 256 + 4 * 64 * SMALL.jnd_channels / 1024
    assert parts["jnd_head"].encoder == pytest.approx(head / 1000)
    assert parts["jnd_head"].decoder == 0.0
    step = (
        9 * (SMALL.jnd_channels + HATS) * 96 + 96 * 4 * 96
    ) / 1024 + 96 * SMALL.latent_channels / 256
    assert parts["step_net"].encoder == parts["step_net"].decoder == pytest.approx(step / 1000)
    # weight, bias and shift of each integer layer, and the gain table
    weights = 9 * (SMALL.jnd_channels + HATS) * 96 + 96 * 4 * 96 + 96 * SMALL.latent_channels
    outputs = 96 + 4 * 96 + SMALL.latent_channels
    assert parts["step_net"].parameters == weights + 2 * outputs + 100 * SMALL.latent_channels


def test_against_torchs_own_counter(small: Complexity) -> None:
    codec = Codec(SMALL)
    with FlopCounterMode(display=False) as encoder:
        run_encoder(codec, 64, 128)
    with FlopCounterMode(display=False) as decoder:
        run_decoder(codec, 64, 128)
    operations = 2000.0 * 64 * 128  # two a multiply-accumulate
    # the few products of the quality's interpolation are no layers
    assert sum(part.encoder for part in small.parts) == pytest.approx(
        encoder.get_total_flops() / operations, rel=0.01
    )
    assert small.decoder == pytest.approx(decoder.get_total_flops() / operations, rel=0.01)


def test_padding_is_work() -> None:
    codec = Codec(SMALL)
    assert complexity(codec, 64, 65).decoder == pytest.approx(
        complexity(codec, 64, 128).decoder * 128 / 65
    )


def test_encoder_parts_do_not_run_in_the_decoder(small: Complexity) -> None:
    running = {part.name for part in small.parts if part.decoder}
    assert running == {"scale_net", "step_net", "scale_context", "context", "synthesis"}


def test_hooks_are_removed() -> None:
    codec = Codec(SMALL)
    complexity(codec, 64, 64)
    assert not any(module._forward_hooks for module in codec.modules())


def test_shipped_network_is_within_its_budgets() -> None:
    # Multiples of 64: the share of a pixel is that of any size
    counts = complexity(load_torch_codec().network, 128, 192)
    assert counts.within_budget, format_table(counts)
    assert 8e6 <= sum(part.parameters for part in counts.parts) <= 20e6


def test_broken_budget_shows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("jndlic.bench.studies.complexity.DECODER_BUDGET", 0.001)
    monkeypatch.setattr(
        "jndlic.bench.studies.complexity.load_torch_codec",
        lambda _: SimpleNamespace(network=Codec(SMALL)),
    )
    assert main(["--size", "64x64"]) == 1
    assert "OVER" in capsys.readouterr().out


def test_wrong_size_is_a_usage_error() -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--size", "large"])
