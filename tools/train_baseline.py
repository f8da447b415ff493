"""Train one of CompressAI's networks the way ours is: `tools/train_baseline.py fit --config configs/baseline.yaml`."""

from jndlic.training.codec.baseline import BaselineTraining
from jndlic.training.cli import main

if __name__ == "__main__":
    main(BaselineTraining)
