"""What training calls an error: squared grey levels, LPIPS and SSIMULACRA2 together."""

from __future__ import annotations

from torch import Tensor

from jndlic.training.loss import squared_error
from jndlic.training.perceptual import LPIPS
from jndlic.training.ssimulacra2 import distance as ssimulacra2_distance


class Distortion:
    """MSE + w_L LPIPS + w_S D_S per picture.

    Args:
        lpips_weight: w_L, in squared grey levels; 0 leaves the term out.
        lpips_weights: SqueezeNet trunk; default: environment variable JNDLIC_LPIPS_WEIGHTS.
        ssimulacra2_weight: w_S, in squared grey levels; 0 leaves the term out.
        jnd_weighting: share of the squared error that is weighted by 1 / (j + 2)^2.
        compile: let torch.compile fuse the passes through LPIPS.
    """

    def __init__(
        self,
        lpips_weight: float,
        lpips_weights: str | None,
        ssimulacra2_weight: float,
        jnd_weighting: float,
        compile: bool = False,
    ) -> None:
        self.lpips_weight, self.ssimulacra2_weight, self.jnd_weighting = lpips_weight, ssimulacra2_weight, jnd_weighting
        self._lpips = LPIPS(weights=lpips_weights) if lpips_weight else None
        if compile and self._lpips is not None:
            self._lpips.compile()

    def __call__(self, decoded: Tensor, image: Tensor, jnd: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Distortion and its parts.

        Args:
            decoded: (B, 3, H, W) float32, grey levels; the gradient is for this one.
            image: (B, 3, H, W) float32, grey levels.
            jnd: (B, 3, H, W) tolerance in grey levels.

        Returns:
            (B,) in squared grey levels; by name "error" (B,), "lpips" and "ssimulacra2_distance" (B,) where they are terms.
        """
        error = squared_error(decoded, image, jnd, self.jnd_weighting)
        parts, total = {"error": error}, error
        if self._lpips is not None:
            parts["lpips"] = self._lpips.to(image.device)(decoded, image)
            total = total + self.lpips_weight * parts["lpips"]
        if self.ssimulacra2_weight:
            parts["ssimulacra2_distance"] = ssimulacra2_distance(image, decoded.clamp(0.0, 255.0))
            total = total + self.ssimulacra2_weight * parts["ssimulacra2_distance"]
        return total, {name: value.detach() for name, value in parts.items()}
