"""Turn a checkpoint into a weights file: `tools/export.py runs/jndlic/last.ckpt
weights/jndlic-base.safetensors`.
"""

import argparse

from jndlic.training.codec.export import export_checkpoint

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", help="a .ckpt of tools/train.py")
    parser.add_argument("output", help="the .safetensors to write")
    parser.add_argument(
        "--name",
        default="base",
        help="name of the model, written into every file (default: %(default)s)",
    )
    arguments = parser.parse_args()
    print(export_checkpoint(arguments.checkpoint, arguments.output, arguments.name))
