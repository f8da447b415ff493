"""Train a codec: `tools/train.py fit --config configs/jndlic.yaml`; `--help` lists every option."""

from jndlic.training.codec.commands import train

if __name__ == "__main__":
    train()
