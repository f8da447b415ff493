"""Trace the graphs of a weights file anew, after a change of jndlic/network/stages.py:
`tools/trace_graphs.py weights/jndlic-base.safetensors`. Parameters and fingerprint stay.
"""

import argparse

from jndlic.training.codec.graphs import renew_graphs

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", help="the .safetensors file; it is replaced")
    renew_graphs(parser.parse_args().weights)
