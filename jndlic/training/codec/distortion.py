"""What training calls an error: squared grey levels, MS-SSIM, LPIPS and SSIMULACRA2 together,
weighted by lambda.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.errors import ParameterError
from jndlic.metrics.lpips import LPIPS
from jndlic.metrics.ssimulacra2 import distance as ssimulacra2_distance
from jndlic.training.codec import ms_ssim
from jndlic.training.codec.loss import squared_error


class Distortion:
    """lambda (MSE + w_M D_M + w_L LPIPS + w_S D_S) per picture.

    Squared error and D_M follow the lambda of each place; LPIPS and D_S, which are figures of a
    whole picture, its mean.

    Args:
        ms_ssim_weight: w_M, in squared grey levels; 0 leaves the term out.
        lpips_weight: w_L, in squared grey levels; 0 leaves the term out.
        lpips_weights: SqueezeNet trunk; default: environment variable JNDLIC_LPIPS_WEIGHTS.
        ssimulacra2_weight: w_S, in squared grey levels; 0 leaves the term out.
        jnd_weighting: share of the squared error that is weighted by 1 / (j + 2)^2.
        chroma_weight: of chroma's squared error beside that of luma, above 0.
        compile: let torch.compile fuse the passes through LPIPS.
        perceptual_share: share of a batch's pictures, above 0 to 1, that LPIPS and D_S look at in
            training, with that much more weight; drawn anew each time, at least one.
    """

    def __init__(
        self,
        ms_ssim_weight: float,
        lpips_weight: float,
        lpips_weights: str | None,
        ssimulacra2_weight: float,
        jnd_weighting: float,
        compile: bool = False,
        perceptual_share: float = 1.0,
        chroma_weight: float = 1.0,
    ) -> None:
        if chroma_weight <= 0.0:
            raise ParameterError(f"chroma_weight must be above 0, got {chroma_weight}")
        if not 0.0 < perceptual_share <= 1.0:
            raise ParameterError(
                f"perceptual_share must be above 0 and at most 1, got {perceptual_share}"
            )
        self.perceptual_share, self.chroma_weight = perceptual_share, chroma_weight
        self.ms_ssim_weight, self.lpips_weight = ms_ssim_weight, lpips_weight
        self.ssimulacra2_weight, self.jnd_weighting = ssimulacra2_weight, jnd_weighting
        self._lpips = LPIPS(weights=lpips_weights) if lpips_weight else None
        if compile and self._lpips is not None:
            self._lpips.compile()

    def __call__(
        self, decoded: Tensor, image: Tensor, jnd: Tensor, weight: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Weighted distortion, and its parts without their weights.

        Args:
            decoded: (B, 3, H, W) float32, grey levels; the gradient is for this one.
            image: (B, 3, H, W) float32, grey levels.
            jnd: (B, 3, H, W) tolerance in grey levels.
            weight: lambda, (B, h, w); H and W are multiples of h and w.

        Returns:
            (B,) in bits per pixel; by name "error" (B,) in squared grey levels, and where they are
            terms "ms_ssim_distance" (B,) and, of the pictures that they looked at, "lpips" and
            "ssimulacra2_distance".
        """
        places = functional.interpolate(weight[:, None], decoded.shape[-2:], mode="nearest")
        mean = weight.mean((1, 2))
        error = squared_error(decoded, image, jnd, self.jnd_weighting, self.chroma_weight)
        parts, total = {"error": error.detach().mean((1, 2, 3))}, (places * error).mean((1, 2, 3))
        if self.ms_ssim_weight:
            distance = ms_ssim.distance(decoded, image, places)
            parts["ms_ssim_distance"] = distance / mean
            total = total + self.ms_ssim_weight * distance
        count = len(image)
        if torch.is_grad_enabled():
            count = max(1, round(self.perceptual_share * count))
        # Any of them: a batch may come in some order
        chosen = torch.randperm(len(image), device=image.device)[:count]
        seen, reference = decoded[chosen], image[chosen]
        perceptual = torch.zeros(count, device=image.device)
        if self._lpips is not None:
            parts["lpips"] = self._lpips.to(image.device)(seen, reference)
            perceptual = perceptual + self.lpips_weight * parts["lpips"]
        if self.ssimulacra2_weight:
            parts["ssimulacra2_distance"] = ssimulacra2_distance(reference, seen.clamp(0.0, 255.0))
            perceptual = perceptual + self.ssimulacra2_weight * parts["ssimulacra2_distance"]
        total = total.index_add(0, chosen, mean[chosen] * perceptual * (len(image) / count))
        return total, {name: value.detach() for name, value in parts.items()}
