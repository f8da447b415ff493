"""Names of what can run the networks."""

from __future__ import annotations

AUTO, ONNX, TORCH = "auto", "onnx", "torch"
BACKENDS = (AUTO, ONNX, TORCH)

CPU = "cpu"
"""The device that is always there."""
