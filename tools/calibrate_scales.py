"""Thresholds of metrics that give JPEG the quality people gave it: `tools/calibrate_scales.py
PHOTOS --curves mcl_jci_sur_curves.csv`.
"""

from jndlic.bench.studies.scales import main

if __name__ == "__main__":
    raise SystemExit(main())
