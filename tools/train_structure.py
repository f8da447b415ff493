"""Train the structure network of patches: `tools/train_structure.py fit --config
configs/jnd-structure.yaml`.
"""

from jndlic.training.structure.commands import train

if __name__ == "__main__":
    train()
