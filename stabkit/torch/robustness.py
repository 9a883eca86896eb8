"""How much a classifier can be disturbed: gradient attacks, noise, and what is certified."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stabkit.errors import InvalidArgument


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The fraction of images that are classified correctly, in eval mode."""
    _check_images(images)
    with _evaluating(model), torch.no_grad():
        return float((model(images).argmax(1) == labels).float().mean())


def attacked(model: nn.Module, images: Tensor, labels: Tensor, radius: float, steps: int = 20
             ) -> Tensor:
    """Images moved by at most `radius` in the Euclidean norm, to raise the loss of each.

    Projected gradient ascent (Madry and others 2018) from the images themselves: a lower bound of
    what an attacker can do.

    Parameters
    ----------
    model : Module
    images : Tensor, shape (samples, ...)
    labels : Tensor of int, shape (samples,)
    radius : float
        >= 0.
    steps : int

    Returns
    -------
    Tensor
        Of the shape of `images`.
    """
    if not radius >= 0:
        raise InvalidArgument(f"radius: must be >= 0, got {radius}")
    moved = torch.zeros_like(images)
    with _evaluating(model), torch.enable_grad():
        for _ in range(steps):
            moved.requires_grad_()
            loss = F.cross_entropy(model(images + moved), labels, reduction="sum")
            slope, = torch.autograd.grad(loss, moved)
            moved = (moved + 2.5 * radius / steps * slope / _sizes(slope)).detach()
            moved = moved * (radius / _sizes(moved)).clamp(max=1)
    return images + moved


def noisy(images: Tensor, size: float, seed: int) -> Tensor:
    """Images with Gaussian noise whose Euclidean norm is about `size` on each."""
    _check_images(images)
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
    return images + noise.to(images) * (size / sqrt(images[0].numel()))


def certified_accuracy(model: nn.Module, images: Tensor, labels: Tensor, radius: float,
                       constant: Fraction | float) -> float:
    """The fraction of images that no disturbance within `radius` can move to another class.

    Two scores move against each other by at most √2 times the constant times the radius, so a
    larger margin cannot be closed (Tsuzuku and others 2018).

    Parameters
    ----------
    model, images, labels, radius
        As for :func:`attacked`.
    constant : rational
        A Lipschitz constant of the model, such as ``certify(model, shape).upper``; the scores
        themselves are computed in the model's floats.

    Raises
    ------
    InvalidArgument
        Where there is no image, no constant, or it or the radius is negative or NaN.
    """
    _check_images(images)
    if constant is None or not constant >= 0:
        raise InvalidArgument(f"constant: must be a number >= 0, got {constant}; where none is "
                              "proved, nothing is certified")
    if not radius >= 0:
        raise InvalidArgument(f"radius: must be >= 0, got {radius}")
    with _evaluating(model), torch.no_grad():
        scores = model(images)
    mine = scores.gather(1, labels[:, None])[:, 0]
    others = scores.scatter(1, labels[:, None], -torch.inf).amax(1)
    return float((mine - others > sqrt(2) * float(constant) * radius).float().mean())


def table(model: nn.Module, images: Tensor, labels: Tensor, radii: Sequence[float], seed: int,
          constant: Fraction | float | None = None) -> list[dict[str, float]]:
    """For every radius: accuracy under noise, under attack, and certified (0 without a constant).
    """
    return [{"radius": radius,
             "noise": accuracy(model, noisy(images, radius, seed), labels),
             "attack": accuracy(model, attacked(model, images, labels, radius), labels),
             "certified": 0.0 if constant is None else
             certified_accuracy(model, images, labels, radius, constant)} for radius in radii]


def _check_images(images: Tensor) -> None:
    if not images.numel():
        raise InvalidArgument(f"images: must be at least one, got the shape {tuple(images.shape)}")


def _sizes(images: Tensor) -> Tensor:
    """The norm of every image, shaped to divide it; never 0."""
    sizes = images.flatten(1).norm(dim=1).clamp(min=1e-12)
    return sizes.reshape(-1, *[1] * (images.ndim - 1))


class _evaluating:
    """Eval mode for a while, with the modes of all parts put back afterwards."""

    def __init__(self, model: nn.Module):
        self.modes = [(part, part.training) for part in model.modules()]
        self.model = model

    def __enter__(self) -> None:
        self.model.eval()

    def __exit__(self, *_: object) -> None:
        for part, training in self.modes:
            part.training = training
