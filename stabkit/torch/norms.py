"""Upper bounds of spectral norms that can be differentiated, and never fall below the norm.

‖G‖ <= ‖Gⁿ‖_F^(1/n) for a Gram matrix G and n = 2ᵗ: the Gram iteration of Delattre and others
(2023).  A power iteration comes from below, so no certificate may rest on it.  The logarithm of the
bound has the slope G^(2n−1)/tr G^(2n) in G, which is computed beside it: backward costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import cos, pi, prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from stabkit.torch.signals import is_under_autocast

ITERATIONS = 5
#: More than what float32 rounds away in the iteration, and in what a step is computed from.
ROUNDING = 1 + 2.0**-12
_CHECKED_AT = 32  # frequencies per axis at which :mod:`stabkit.audit` bounds the same norm


def with_all_digits(bound: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A bound that is computed with all digits of the weight.

    Autocast would multiply in half precision, and a GPU in TensorFloat-32, whose products have
    fewer digits than :data:`ROUNDING` allows for: there the weight is taken in float64.
    """
    @wraps(bound)
    def compute(weight: Tensor, *numbers: int) -> Tensor:
        if is_under_autocast(weight):
            with torch.autocast(weight.device.type, enabled=False):
                return compute(weight, *numbers)
        if weight.device.type == "cuda" and weight.dtype is torch.float32:
            return bound(weight.double(), *numbers).to(weight.dtype)
        return bound(weight, *numbers)

    return compute


@with_all_digits
def matrix_square(weight: Tensor) -> Tensor:
    """A bound of ‖A‖² for a matrix A, too large by at most N^(1/64) for the smaller side N.

    Parameters
    ----------
    weight : Tensor, shape (M, N)

    Returns
    -------
    Tensor, shape ()
    """
    tall = weight.detach() if weight.shape[0] >= weight.shape[1] else weight.detach().T
    gram = (tall.T @ tall)[None]
    square, _ = _largest(gram)
    slope = 2 * square * (tall @ _slope_of_log(gram[0]))
    return known_slope(weight, square, slope if tall.shape == weight.shape else slope.T)


@with_all_digits
def convolution_square(weight: Tensor, groups: int = 1) -> Tensor:
    """A bound of ‖K‖² for a convolution on a grid of any size.

    With zeros outside, without an outside or around a circle, K is a part of the convolution on
    the whole grid, whose norm is that of its symbol.  A symbol of k taps, a trigonometric
    polynomial of degree d = (k − 1)/2 up to a phase, is at most 1/cos(πd/n) times as large between
    n points as at them (Ehlich and Zeller 1964).  The margin of the check is added, so that what is
    trained within this bound passes it.  Holes between the taps only rename frequencies, and a
    stride leaves rows out.

    Parameters
    ----------
    weight : Tensor, shape (channels out, channels in of a group, taps[, taps])
    groups : int
        Of channels that do not meet; the norm is that of the largest one.

    Returns
    -------
    Tensor, shape ()
    """
    taps = weight.shape[2:]
    if groups == 1 and prod(taps) == 1:
        return matrix_square(weight.reshape(weight.shape[:2]))
    least = 64 if len(taps) == 1 else 16
    counts = [1 if size == 1 else max(least, 4 * size) for size in taps]
    with torch.no_grad():
        parts = weight.unflatten(0, (groups, -1))
        turned = parts.shape[1] < parts.shape[2]
        tall = parts.transpose(1, 2) if turned else parts
        grams = _grams(tall, counts)
        square, number = _largest(grams.flatten(3).permute(0, 3, 1, 2).flatten(0, 1).contiguous())
        group, *places = map(int, torch.unravel_index(
            torch.tensor(number), (groups, *grams.shape[3:])))
        wave = _wave(places, counts, taps, grams)
        symbol = (tall[group] * wave).flatten(2).sum(2)
        inner = symbol @ _slope_of_log(symbol.mH @ symbol)
        own = 2 * square * (inner[(..., *[None] * len(taps))] * wave.conj()).real
        slope = own[None]
        if groups > 1:
            slope = torch.zeros_like(tall)
            slope[group] = own
    factor = prod(_between(size, count) * _between(size, max(_CHECKED_AT, 2 * size + 2))
                  for size, count in zip(taps, counts, strict=True))
    return factor**2 * known_slope(
        weight, square, (slope.transpose(1, 2) if turned else slope).flatten(0, 1))


@with_all_digits
def largest_diagonal(weight: Tensor) -> Tensor:
    """A bound of the diagonal of KᵀK for differences: 2 Σ a² over the axes.

    Parameters
    ----------
    weight : Tensor, shape (axes, channels)

    Returns
    -------
    Tensor, shape ()
    """
    return 2 * (weight * weight).sum(0).amax().clamp(min=1e-30) * (1 + 2.0**-16)


def known_slope(weight: Tensor, value: Tensor, slope: Tensor) -> Tensor:
    """A number that was computed from a weight together with its slope."""
    return _KnownSlope.apply(weight, value, slope)


class _KnownSlope(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, value: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(slope)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *above: Tensor) -> Any:
        slope, = ctx.saved_tensors
        return above[0] * slope, None, None


def _grams(weight: Tensor, counts: list[int]) -> Tensor:
    """S*S at the frequencies of a grid, for each group: the transform of a correlation."""
    taps, (groups, _, inputs) = weight.shape[3:], weight.shape[:3]
    correlate = F.conv1d if len(taps) == 1 else F.conv2d
    stencils, reach = weight.transpose(1, 2), [size - 1 for size in taps]
    # Entry (j, g, i, m) is Σ_o Σ_k w_goik w_goj(k + m − reach).
    found = correlate(stencils.transpose(0, 1).flatten(1, 2), stencils.flatten(0, 1), padding=reach,
                      groups=groups).unflatten(1, (groups, inputs)).movedim(0, 2)
    wide = F.pad(found, [side for size, count in zip(reversed(reach), reversed(counts), strict=True)
                         for side in (0, count - 2 * size - 1)])
    axes = list(range(3, weight.ndim))
    return torch.fft.rfftn(torch.roll(wide, [-size for size in reach], axes), dim=axes)


def _largest(grams: Tensor) -> tuple[Tensor, int]:
    """A bound of the largest norm of a stack of Gram matrices, and which of them has it.

    A matrix is left out as soon as its bound is below the norm of another one.
    """
    with torch.no_grad():
        tiny = _tiny(grams)
        power, logs = grams, torch.zeros(len(grams), dtype=grams.real.dtype, device=grams.device)
        left = torch.arange(len(grams), device=grams.device)
        for number in range(ITERATIONS + 1):
            power = power if number == 0 else power @ power
            size = _frobenius(power).clamp(min=tiny)
            power, logs = power / size[:, None, None], logs + torch.log(size) / 2.0**number
            # Σλ²/Σλ is at most the largest eigenvalue λ of a power of G, and Σλ at least √Σλ².
            trace = power.diagonal(dim1=1, dim2=2).sum(1).real.clamp(min=1)
            kept = ~(logs < (logs - torch.log(trace) / 2.0**number).amax() - 2.0**-12)
            power, logs, left = power[kept], logs[kept], left[kept]  # with all that is NaN
        best = int(logs.argmax())
        return torch.exp(logs[best]) * ROUNDING, int(left[best])


def _slope_of_log(gram: Tensor) -> Tensor:
    """G^(2n−1)/tr G^(2n), as the product of G, G², G⁴, …, Gⁿ."""
    tiny = _tiny(gram)
    power = gram / _frobenius(gram).clamp(min=tiny)
    product = power
    for _ in range(ITERATIONS):
        power = power @ power
        power = power / _frobenius(power).clamp(min=tiny)
        product = product @ power
        product = product / _frobenius(product).clamp(min=tiny)
    return product / (product * gram.mT).sum().real.clamp(min=tiny)


def _frobenius(matrices: Tensor) -> Tensor:
    """‖A‖_F of every matrix; PyTorch's own norm of complex numbers takes five times as long."""
    parts = torch.view_as_real(matrices) if matrices.is_complex() else matrices[..., None]
    return (parts * parts).sum((-3, -2, -1)).sqrt()


def _tiny(matrices: Tensor) -> float:
    return float(torch.finfo(matrices.dtype).tiny) ** 0.5


def _wave(frequencies: list[int], counts: list[int], taps: torch.Size, beside: Tensor) -> Tensor:
    """exp(−iθ·k) for all taps k, with θ = 2πf/n along each axis."""
    phase = torch.zeros([1] * len(taps), dtype=beside.real.dtype, device=beside.device)
    for axis, (f, n, size) in enumerate(zip(frequencies, counts, taps, strict=True)):
        steps = torch.arange(size, dtype=phase.dtype, device=phase.device)
        phase = phase + (2 * pi * f / n * steps).reshape(
            [-1 if each == axis else 1 for each in range(len(taps))])
    return torch.polar(torch.ones_like(phase), -phase)


def _between(taps: int, count: int) -> float:
    """How much larger a symbol may be between `count` frequencies than at them."""
    return 1 / cos(pi * (taps - taps % 2) / (2 * count))
