"""Names that the command line offers, and that the modules behind it give a meaning.

They stand apart from those modules because a help text must not load them, nor torch with them.
"""

from __future__ import annotations

AUTO, ONNX, TORCH = "auto", "onnx", "torch"
BACKENDS = (AUTO, ONNX, TORCH)
"""Of jndlic/runtime/load.py."""

QUALITY_DEFAULT = 50
"""Of the encoder, where nothing says another one."""

OFF = "off"
PATCHES = (AUTO, OFF)
"""For what the network cannot draw."""

OWN_JND_MODEL = "namm"
"""What the encoder makes of every picture (jndlic/jnd/own_map.py)."""

BIT_DEPTHS = 8, 16
"""Bits of a channel, as a user may choose them."""

JND_MODELS = (OWN_JND_MODEL, "pattern", "klt", "free-energy", "patch")
"""Of jndlic/jnd/models.py."""

JND_FILTERS = ("klt", "patch")
"""Those of them that make an image; the first is the default."""

CODECS = ("jndlic", "jpeg", "webp", "avif", "jxl", "vvc", "bpg", "zoo", "checkpoint", "program")
"""Of jndlic/codecs/registry.py."""

USUAL_CODECS = ("jndlic", "jpeg", "webp", "avif", "jxl")
"""What a benchmark compares unless told otherwise: no programs and no downloads needed."""

OPTIMIZED_CODECS = ("jpeg", "webp", "avif", "jxl", "jndlic")
"""Of jndlic/codecs/presets.py."""

METRIC_PREDICTORS = ("ssimulacra2", "butteraugli")
"""Of jndlic/optimize/predictors/scales.py."""

LEARNED_PREDICTORS = ("vp", "sg")
"""Of jndlic/optimize/predictors/learned.py."""

PREDICTORS = (*METRIC_PREDICTORS, *LEARNED_PREDICTORS)

METRICS = (
    "psnr-rgb",
    "ms-ssim-rgb",
    "lpips-squeeze",
    "ssimulacra2",
    "fsim",
    "vif",
    "haarpsi",
    "butteraugli-3norm",
    "cvvdp",
    "grid-visibility",
)
"""Of jndlic/metrics/registry.py."""

OBSERVER_PROFILES = ("mcl-jci-50", "mcl-jci-75", "mcl-jci-90", "mcl-jci-95")
"""Of jndlic/optimize/predictors/profiles.py. The number is a percentage of observers."""

STRICT_PROFILE = "strict"

PROFILES = (*OBSERVER_PROFILES, STRICT_PROFILE)

DEFAULT_PROFILE = "mcl-jci-75"

SEARCH_RULES = ("bisect", "binary-block", "binary-block-paper", "sliding-window")
"""Of jndlic/optimize/search.py."""

ROI_STRENGTH = 2.0
"""Of jndlic/jnd/regions.py: octaves of the quantisation step between what matters and what does
not."""
