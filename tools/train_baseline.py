"""Train one of CompressAI's networks the way ours is: `tools/train_baseline.py fit --config
configs/baseline.yaml`.
"""

from jndlic.training.codec.baseline import BaselineTraining
from jndlic.training.codec.commands import train

if __name__ == "__main__":
    train(BaselineTraining)
