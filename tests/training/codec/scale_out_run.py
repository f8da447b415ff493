"""A small training run in processes of its own; test_scale_out.py starts it.

    scale_out_run.py FOLDER DEVICES STEPS

Photos are in FOLDER/photos; FOLDER/last.ckpt is resumed where it exists.
"""

from __future__ import annotations

import sys
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint
from small_network import SMALL

from jndlic.training.codec.module import CodecTraining
from jndlic.training.photos.data import PhotoData

CROPS = 4  # per step, of all processes together
INTERVAL = 3  # steps between checkpoints


class Watch(lightning.Callback):
    """Writes the mean loss of every step down, and at the end whether all processes hold the same
    numbers.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_batch_end(self, trainer, module, outputs, batch, index) -> None:
        loss = trainer.strategy.reduce(outputs["loss"].detach(), reduce_op="mean")
        if trainer.is_global_zero:
            with open(self.folder / "losses.txt", "a", encoding="ascii") as file:
                file.write(f"{trainer.global_step} {loss.item()}\n")

    def on_train_end(self, trainer, module) -> None:
        average = next(
            callback for callback in trainer.callbacks if isinstance(callback, EMAWeightAveraging)
        )
        tensors = [*module.parameters(), *average._average_model.parameters()]
        everything = torch.cat([tensor.detach().flatten() for tensor in tensors])
        same = all(
            torch.equal(everything, other)
            for other in module.all_gather(everything).view(-1, len(everything))
        )
        if trainer.is_global_zero:
            (self.folder / "end.txt").write_text(
                f"{trainer.global_step} {trainer.world_size} {same}\n"
            )


def main(folder: Path, devices: int, steps: int) -> None:
    """Train."""
    lightning.seed_everything(1)
    module = CodecTraining(SMALL, lpips_weight=0.0, ssimulacra2_weight=1.0, warmup_steps=2)
    data = PhotoData(
        [str(folder / "photos")],
        64,
        CROPS // devices,
        storage="resident",
        validation_percent=0,
        workers=1,
    )
    save = ModelCheckpoint(folder, save_last=True, save_top_k=0, every_n_train_steps=INTERVAL)
    trainer = lightning.Trainer(
        accelerator="cpu",
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        max_steps=steps,
        max_epochs=-1,
        callbacks=[EMAWeightAveraging(decay=0.9), save, Watch(folder)],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
        default_root_dir=folder,
    )
    last = folder / "last.ckpt"
    trainer.fit(module, data, ckpt_path=str(last) if last.exists() else None)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
