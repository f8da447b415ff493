"""Train a codec: `tools/train.py fit --config configs/jndlic.yaml`; `--help` lists every option."""

from jndlic.training.cli import main

if __name__ == "__main__":
    main()
