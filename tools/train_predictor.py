"""Training of VP-JND and SG-JND: `tools/train_predictor.py fit --config configs/jnd-vp.yaml`."""

from jndlic.training.predictors.commands import train

if __name__ == "__main__":
    train()
