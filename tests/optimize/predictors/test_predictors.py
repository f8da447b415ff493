"""Scores, scales, networks and places of the picture-wise predictors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from jndlic.errors import ImageError, ParameterError, WeightsError
from jndlic.optimize.predictors import sg_net
from jndlic.optimize.predictors.learned import (
    LearnedPredictor,
    VpModel,
    load_predictor,
    places,
    save_predictor,
)
from jndlic.optimize.predictors.metric import MetricPredictor
from jndlic.optimize.predictors.profiles import PROFILES, STRICT_SCORE, profile, share
from jndlic.optimize.predictors.registry import open_predictor
from jndlic.optimize.predictors.scales import SCALES, SHARES, Scale
from jndlic.optimize.predictors.vp_net import (
    ChannelAttention,
    NonLocal,
    VpNet,
    pooled,
    weighted_mean,
)
from jndlic.shipped_weights import shipped_predictor


def picture(rows: int = 150, columns: int = 200, seed: int = 0) -> np.ndarray:
    """Smooth colours with some noise."""
    random = np.random.default_rng(seed)
    down, across = np.mgrid[0:rows, 0:columns]
    plane = 90 + 60 * np.sin(down / 17 + seed) + 40 * np.cos(across / 11)
    return np.clip(plane[..., None] + random.normal(0, 4, (rows, columns, 3)), 0, 255).astype(
        np.uint8
    )


@pytest.fixture(scope="module")
def vp() -> LearnedPredictor:
    torch.manual_seed(0)
    return LearnedPredictor("vp", VpModel())


def test_profiles_are_shares_of_people() -> None:
    assert share(profile("mcl-jci-50").score) == pytest.approx(0.5)
    assert share(profile("mcl-jci-75").score) == pytest.approx(0.75)
    scores = [one.score for one in PROFILES.values()]
    assert scores == sorted(scores) and scores[-1] == STRICT_SCORE
    with pytest.raises(ParameterError, match="mcl-jci-75"):
        profile("invisible")


@pytest.mark.parametrize("name", SCALES)
def test_a_scale_goes_through_its_points_and_on(name: str) -> None:
    scale = SCALES[name]
    for part, value in zip(SHARES, scale.values):
        assert share(scale.score(value)) == pytest.approx(part)
    assert scale.score(scale.values[-1]) == pytest.approx(STRICT_SCORE)
    better = 1.0 if scale.values[-1] > scale.values[0] else -1.0
    values = scale.values[0] + better * np.linspace(-60, 60, 241)
    assert (np.diff([scale.score(value) for value in values]) > 0).all()


def test_a_scale_between_its_points() -> None:
    rising = Scale((10.0, 20.0, 30.0, 40.0, 50.0))
    assert rising.score(15.0) == pytest.approx(0.5 * 0.6744898)
    assert rising.score(0.0) == pytest.approx(-0.6744898)
    falling = Scale((50.0, 40.0, 30.0, 20.0, 10.0))
    assert falling.score(45.0) == pytest.approx(0.5 * 0.6744898)


def test_ssimulacra2_predictor_scores_coarser_pictures_lower() -> None:
    reference = picture()
    judge = MetricPredictor("ssimulacra2").judge(reference)
    random = np.random.default_rng(1)
    noisy = [
        np.clip(reference + random.normal(0, level, reference.shape), 0, 255).astype(np.uint8)
        for level in (2, 8, 30)
    ]
    scores = [judge.score(version) for version in (reference, *noisy)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > STRICT_SCORE


def test_unknown_predictors_are_refused() -> None:
    with pytest.raises(ParameterError, match="vp"):
        open_predictor("oracle")
    with pytest.raises(WeightsError, match="none"):
        open_predictor("vp", "none.safetensors")


def test_vp_has_about_one_and_a_half_million_weights() -> None:
    assert 1.3e6 < sum(p.numel() for p in VpNet().parameters()) < 1.7e6


def test_pooling_is_mean_and_logarithm_of_deviation_over_all_places() -> None:
    features = torch.randn(3, 5, 4, 6)
    found = pooled(features).numpy()
    assert found[:, :5] == pytest.approx(features.numpy().mean((2, 3)), abs=1e-5)
    assert np.exp(found[:, 5:]) == pytest.approx(features.numpy().std((2, 3)), abs=1e-3)


def test_channel_attention_by_hand() -> None:
    layer, features = ChannelAttention(32), torch.randn(2, 32, 5, 5)
    first, _, second = layer.weigh
    values = features.numpy()
    answers = []
    for descriptor in (values.mean((2, 3)), values.max((2, 3))):
        hidden = np.maximum(
            descriptor @ first.weight.detach().numpy().T + first.bias.detach().numpy(), 0
        )
        answers.append(hidden @ second.weight.detach().numpy().T + second.bias.detach().numpy())
    gain = 1 / (1 + np.exp(-sum(answers)))
    assert layer(features).detach().numpy() == pytest.approx(
        values * gain[:, :, None, None], abs=1e-5
    )


def test_the_non_local_block_begins_as_nothing_and_then_mixes_places() -> None:
    layer, features = NonLocal(8), torch.randn(1, 8, 3, 3)
    assert torch.equal(layer(features), features)
    torch.nn.init.eye_(layer.out.weight[:, :, 0, 0])
    query, key, value = (
        part.flatten(2)[0].detach().numpy() for part in layer.embed(features).chunk(3, 1)
    )
    seen = np.exp(query.T @ key)
    mixed = value @ (seen / seen.sum(1, keepdims=True)).T
    assert (layer(features) - features).flatten(2)[0].detach().numpy() == pytest.approx(
        mixed, abs=1e-4
    )


def test_weights_weigh() -> None:
    assert weighted_mean(
        torch.tensor([1.0, 5.0]), torch.tensor([3.0, 1.0])
    ).item() == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [(128, 128), (129, 300), (512, 768), (3000, 4000), (4000, 200), (128, 20000)],
)
def test_places_lie_inside_reach_the_borders_and_are_not_too_many(rows: int, columns: int) -> None:
    found = places(rows, columns, 128)
    assert 1 <= len(found) <= 48 and len(set(found)) == len(found)
    assert all(0 <= top <= rows - 128 and 0 <= left <= columns - 128 for top, left in found)
    if rows * columns <= 512 * 768:
        seen = np.zeros((rows, columns), bool)
        for top, left in found:
            seen[top : top + 128, left : left + 128] = True
        assert seen.all()
    else:
        tops, lefts = ({place[axis] for place in found} for axis in (0, 1))
        for found_here, last in ((tops, rows - 128), (lefts, columns - 128)):
            assert {0, last} <= found_here or found_here == {last // 2}


def test_a_judge_sees_the_same_places_of_both_pictures(vp: LearnedPredictor) -> None:
    """A mark in one patch changes the score of that patch alone."""
    reference = picture(256, 256)
    judge = vp.judge(reference)
    marked = reference.copy()
    marked[140:160, 20:40] = 255
    pieces = []
    for pixels in (reference, marked):
        with torch.inference_mode():
            pieces.append(
                vp.model.patch_scores(judge._original, judge._cut(judge._padded(pixels)))[0].numpy()
            )
    changed = np.abs(pieces[0] - pieces[1]) > 1e-6
    assert changed.tolist() == [place == (128, 0) for place in places(256, 256, 128)]


@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (131, 257)])
def test_pictures_of_any_size_get_a_score(vp: LearnedPredictor, shape: tuple[int, int]) -> None:
    reference = picture(*shape)
    assert np.isfinite(vp.judge(reference).score(reference))


def test_an_equal_picture_passes_whatever_the_network_says(vp: LearnedPredictor) -> None:
    assert vp.judge(picture()).score(picture()) == STRICT_SCORE


def test_wrong_pictures_are_refused(vp: LearnedPredictor) -> None:
    with pytest.raises(ImageError):
        vp.judge(np.zeros((40, 40), np.uint8))
    with pytest.raises(ParameterError, match="shape"):
        vp.judge(picture()).score(picture(20, 20))


def test_a_predictor_survives_its_file(vp: LearnedPredictor, tmp_path: Path) -> None:
    kept = LearnedPredictor("vp", vp.model, 0.5, 0.25)
    save_predictor(tmp_path / "vp.safetensors", kept, "proxy:test")
    found = load_predictor("vp", tmp_path / "vp.safetensors")
    reference, other = picture(), picture(seed=3)
    expected = vp.judge(reference).score(other)
    assert found.judge(reference).score(other) == pytest.approx(0.25 + 0.5 * expected, abs=2e-2)
    with pytest.raises(WeightsError, match="sg"):
        load_predictor("sg", tmp_path / "vp.safetensors")


def test_the_backbone_is_torchvisions_squeezenet() -> None:
    models = pytest.importorskip("torchvision.models")
    theirs = models.squeezenet1_1(weights=None).features.eval()
    ours = sg_net.Backbone()
    ours.load_state_dict(theirs.state_dict())
    patches = torch.rand(2, 3, 224, 224) * 255
    normal = (patches / 255 - torch.tensor(sg_net.MEAN).view(3, 1, 1)) / torch.tensor(
        sg_net.DEVIATION
    ).view(3, 1, 1)
    with torch.no_grad():
        levels = ours(patches)
        torch.testing.assert_close(levels[-1], theirs(normal))
    assert [level.shape[1] for level in levels] == list(sg_net.CHANNELS)


def test_sg_looks_at_differences_on_every_level() -> None:
    torch.manual_seed(0)
    net = sg_net.SgNet().eval()
    levels = [
        torch.randn(2, channels, side, side)
        for channels, side in zip(sg_net.CHANNELS, (55, 27, 13, 13))
    ]
    score, weight = net.patch_scores(levels, levels)
    assert score.shape == weight.shape == (2,) and (weight > 0).all()
    for number in range(len(levels)):
        other = [level + (index == number) for index, level in enumerate(levels)]
        assert not torch.allclose(net.patch_scores(levels, other)[0], score)


@pytest.mark.skipif(not shipped_predictor("vp").is_file(), reason="no weights for vp are shipped")
def test_shipped_vp_orders_noise_by_its_strength() -> None:
    """Noise at half, one and four times the tolerance: known truth, no evidence about people."""
    from jndlic.jnd.models import inject, tolerance_map

    reference = picture(256, 256, 2)
    judge, jnd = load_predictor("vp").judge(reference), tolerance_map(reference)
    scores = [judge.score(inject(reference, jnd, level)) for level in (0.25, 1.0, 4.0)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] - scores[-1] > 1.0
