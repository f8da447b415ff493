"""Where crops come from: files, the buffer on the device, streaming, the validation share."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from jndlic.errors import ImageError, ParameterError

pytest.importorskip("lightning", reason="needs the [train] extra")

from torch.utils.data import DataLoader

from jndlic.training.photos.data import PhotoData, free_memory
from jndlic.training.photos.drawings import FIGURES, drawing, laid_over, nothing
from jndlic.training.photos.edges import edge_amount
from jndlic.training.photos.files import decode_all, find_photos, held_out, load_pixels, loaded_size
from jndlic.training.photos.resident import ResidentLoader, ResidentPhotos
from jndlic.training.photos.streamed import StreamedCrops

SIZES = ((200, 150), (160, 310), (128, 129))


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (rows, columns, 3), dtype=np.uint8) for rows, columns in SIZES]


@pytest.fixture(scope="module")
def folder(photos: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    (folder / "inner").mkdir()
    for number, photo in enumerate(photos):
        Image.fromarray(photo).save(folder / "inner" / f"{number}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    Image.new("RGB", (20, 300)).save(folder / "narrow.png")
    return folder


def window_of(piece: np.ndarray, photo: np.ndarray) -> bool:
    """Whether a piece is a window of a photo as it stands."""
    side = piece.shape[0]
    windows = np.lib.stride_tricks.sliding_window_view(photo, (side, side), (0, 1))
    candidates = np.argwhere((windows[:, :, :, 0, 0] == piece[0, 0]).all(-1))
    return any(
        (photo[top : top + side, left : left + side] == piece).all() for top, left in candidates
    )


def turned(piece: np.ndarray) -> list[np.ndarray]:
    """A piece with mirroring and transposition undone, in every combination."""
    both = (piece, piece.transpose(1, 0, 2))
    return [*both, *(turn[:, ::-1] for turn in both)]


def test_resident_pieces_are_windows_of_the_photos(photos: list[np.ndarray]) -> None:
    buffer = ResidentPhotos(photos)
    pieces = buffer.gather(np.random.default_rng(1).random((24, 5)), 96).permute(0, 2, 3, 1).numpy()
    sources = set()
    for piece in pieces:
        found = [
            n
            for n, photo in enumerate(photos)
            if any(window_of(turn, photo) for turn in turned(piece))
        ]
        assert len(found) == 1
        sources.update(found)
    assert sources == {0, 1, 2}


def test_extreme_draws_stay_inside(photos: list[np.ndarray]) -> None:
    draws = np.stack([np.zeros(5), np.full(5, 1 - 2.0**-53)])
    first, last = ResidentPhotos(photos).gather(draws, 128).permute(0, 2, 3, 1).numpy()
    assert (first == photos[0][:128, :128][:, ::-1].transpose(1, 0, 2)).all()
    assert (last == photos[2][:128, 1:129]).all()


def test_pieces_larger_than_a_photo_come_from_the_others(photos: list[np.ndarray]) -> None:
    pieces = ResidentPhotos(photos).gather(np.random.default_rng(2).random((9, 5)), 155)
    assert pieces.shape == (9, 3, 155, 155)  # the second photo alone has both sides that long


def test_batches_follow_from_seed_and_step(photos: list[np.ndarray]) -> None:
    buffer = ResidentPhotos(photos)
    run = list(ResidentLoader(buffer, 64, 4, 3, seed=5))
    resumed = next(iter(ResidentLoader(buffer, 64, 4, 3, seed=5, first_step=2)))
    assert len(run) == 3
    assert torch.equal(run[2].crops, resumed.crops) and torch.equal(run[2].quality, resumed.quality)
    assert not torch.equal(run[0].crops, run[1].crops)
    assert run[0].crops.shape == (4, 3, 64, 64) and run[0].crops.dtype == torch.uint8
    qualities = torch.cat(
        [ResidentLoader(buffer, 64, 64, 1).batch(step).quality for step in range(20)]
    )
    assert qualities.min() >= 1 and qualities.max() <= 100 and len(qualities.unique()) > 90


def test_processes_share_a_batch(photos: list[np.ndarray]) -> None:
    buffer = ResidentPhotos(photos)
    whole = ResidentLoader(buffer, 64, 6, 1, edged=0.5).batch(7)
    parts = [
        ResidentLoader(buffer, 64, 2, 1, rank=rank, world=3, edged=0.5).batch(7)
        for rank in range(3)
    ]

    def content(batches: list) -> list[tuple[bytes, int]]:
        return sorted(
            (crop.numpy().tobytes(), quality.numpy().tobytes())
            for batch in batches
            for crop, quality in zip(batch.crops, batch.quality)
        )

    assert content([whole]) == content(parts)


def test_streamed_crops(folder: Path, photos: list[np.ndarray]) -> None:
    paths = sorted((folder / "inner").glob("*.png"))
    crops = StreamedCrops(paths, 64, 0.5, 1.0, 0.0, 0.0, (0,))
    first = list(islice(crops, 4))
    assert all(crop.shape == (3, 64, 64) and crop.dtype == torch.uint8 for crop, _ in first)
    assert all(
        quality.shape == (2, 2) and 1 <= quality.min() <= quality.max() <= 100
        for _, quality in first
    )
    again = list(islice(crops, 4))
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(first, again))
    batch, quality = next(iter(DataLoader(crops, 3, num_workers=1)))
    assert batch.shape == (3, 3, 64, 64) and quality.shape == (3, 2, 2)
    with pytest.raises(ImageError):
        next(iter(StreamedCrops([folder / "broken.png"], 64, 0.5, 1.0, 0.0, 0.0, (0,))))


def test_split_depends_on_the_name_alone() -> None:
    names = [Path(f"{number}.png") for number in range(2000)]
    share = np.mean([held_out(name, 5) for name in names])
    assert 0.03 < share < 0.07
    assert all(held_out(Path("elsewhere") / name, 5) == held_out(name, 5) for name in names[:50])


def test_files(folder: Path, tmp_path: Path, photos: list[np.ndarray]) -> None:
    assert [path.name for path in find_photos([folder])] == [
        "broken.png",
        "0.png",
        "1.png",
        "2.png",
        "narrow.png",
    ]
    with pytest.raises(ParameterError, match="not a folder"):
        find_photos([tmp_path / "absent"])
    with pytest.raises(ParameterError, match="no pictures"):
        find_photos([tmp_path])
    lossy = tmp_path / "a.JPG"
    Image.fromarray(photos[0]).save(lossy)
    assert loaded_size(lossy, 1.75) == (86, 114) == load_pixels(lossy, 1.75).shape[1::-1]
    with pytest.raises(ImageError):
        loaded_size(folder / "broken.png", 1.0)
    decoded = list(decode_all([folder / "broken.png", folder / "narrow.png"], 1.0, 2, "test"))
    assert [photo.shape for photo in decoded] == [(300, 20, 3)]


@pytest.mark.parametrize("storage", ["auto", "streamed"])
def test_module_leaves_out_what_it_cannot_use(folder: Path, storage: str) -> None:
    data = PhotoData(
        [str(folder)], crop_size=64, batch_size=2, storage=storage, validation_percent=0, workers=1
    )
    data.setup("fit")
    crops, quality = next(iter(data.train_dataloader()))
    assert crops.shape == (2, 3, 64, 64) and quality.shape == (2, 2, 2)
    assert len(data.val_dataloader().dataset) == 3 * 5
    assert isinstance(data.train_dataloader(), DataLoader) == (storage == "streamed")


def test_bad_options(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="multiple of 64"):
        PhotoData([str(tmp_path)], crop_size=100)
    with pytest.raises(ParameterError, match="storage"):
        PhotoData([str(tmp_path)], storage="cloud")
    Image.new("RGB", (20, 20)).save(tmp_path / "small.png")
    with pytest.raises(ParameterError, match="smaller"):
        PhotoData([str(tmp_path)], crop_size=64).setup("fit")


def test_free_memory_is_known() -> None:
    assert free_memory(torch.device("cpu")) > 1 << 26


def test_drawings_cover_some_crops_the_same_in_every_process(photos: list[np.ndarray]) -> None:
    buffer = ResidentPhotos(photos)
    plain = ResidentLoader(buffer, 64, 64, 1).batch(3).crops
    drawn = ResidentLoader(buffer, 64, 64, 1, drawn=0.25).batch(3).crops
    changed = (plain != drawn).flatten(1).any(dim=1)
    assert 6 <= int(changed.sum()) <= 26
    part = ResidentLoader(buffer, 64, 32, 1, rank=1, world=2, drawn=0.25).batch(3).crops
    assert {crop.numpy().tobytes() for crop in part} < {crop.numpy().tobytes() for crop in drawn}


def test_edges_are_what_points_one_way() -> None:
    flat, line, noise = torch.full((3, 3, 64, 64), 100.0)
    line[:, 20:24] = 200.0
    noise += 40.0 * torch.randn(64, 64, generator=torch.Generator().manual_seed(1))
    flat_amount, line_amount, noise_amount = edge_amount(torch.stack((flat, line, noise)))
    assert flat_amount == 0.0
    # The same size of gradients turns about as often this way as that
    assert edge_amount(line.mT[None])[0] == pytest.approx(line_amount)
    sizes = [
        piece.diff(dim=1).abs().mean() + piece.diff(dim=2).abs().mean() for piece in (line, noise)
    ]
    assert line_amount / sizes[0] > 1.5 * noise_amount / sizes[1]


def test_some_crops_are_those_with_more_edges(photos: list[np.ndarray]) -> None:
    quiet = [np.full((200, 200, 3), 90, dtype=np.uint8) for _ in range(3)]
    quiet[0][:, 100:] = 200
    buffer = ResidentPhotos(quiet)
    plain, edged = (
        ResidentLoader(buffer, 64, 64, 1, edged=share).batch(3).crops for share in (0.0, 0.5)
    )
    kept = (plain == edged).flatten(1).all(dim=1)
    assert kept.any() and not kept.all()
    assert (edge_amount(edged) >= edge_amount(plain)).all()
    assert edge_amount(edged).mean() > 1.3 * edge_amount(plain).mean()


def test_drawings_of_every_kind() -> None:
    layers = [drawing(np.random.default_rng(seed), 64) for seed in range(60)]
    assert all(layer.shape == (64, 64, 4) and layer.dtype == np.uint8 for layer in layers)
    opacity = np.stack([layer[..., 3] for layer in layers]).reshape(60, -1)
    assert (opacity.min(axis=1) == 255).any() and (opacity.max(axis=1) == 0).any()
    for figures in FIGURES:
        sheets = [figures(np.random.default_rng(seed), 64) for seed in range(10)]
        assert figures is nothing or max(sheet[..., 3].max() for sheet in sheets) == 255.0


def test_a_drawing_lies_over_the_photo() -> None:
    layer = torch.tensor([[[10, 20, 30, 0], [10, 20, 30, 255]], [[0, 0, 0, 51], [0, 0, 0, 0]]])
    crop = torch.full((3, 2, 2), 100, dtype=torch.uint8)
    result = laid_over(layer.to(torch.uint8), crop).permute(1, 2, 0).tolist()
    assert result == [[[100] * 3, [10, 20, 30]], [[80] * 3, [100] * 3]]
