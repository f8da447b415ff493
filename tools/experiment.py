"""Train several variants and compare their files: `tools/experiment.py
configs/experiments/jnd-ablation.yaml ...`.
"""

from jndlic.bench.studies.experiment import main

if __name__ == "__main__":
    raise SystemExit(main())
