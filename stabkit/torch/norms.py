"""Upper bounds of spectral norms that can be differentiated, and never fall below the norm.

‖G‖ <= ‖G^(2^t)‖_F^(1/2^t) for a Gram matrix G, whatever t: the Gram iteration of Delattre and
others (2023).  A power iteration comes from below, so no certificate may rest on it.
"""

from __future__ import annotations

from math import cos, pi, prod

import torch
from torch import Tensor

ITERATIONS = 5
#: More than what float32 rounds away in the iteration, and in what a step is computed from.
ROUNDING = 1 + 2.0**-12
_CHECKED_AT = 32  # frequencies per axis at which :mod:`stabkit.audit` bounds the same norm


def matrix_square(matrices: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """A bound of ‖A‖² for the matrices of a stack, too large by at most N^(1/2^(t+1)).

    Parameters
    ----------
    matrices : Tensor, shape (..., M, N)
        Real or complex.
    iterations : int
        t.

    Returns
    -------
    Tensor, shape ()
        The largest bound of the stack.
    """
    adjoint = matrices.mH
    gram = matrices @ adjoint if matrices.shape[-2] < matrices.shape[-1] else adjoint @ matrices
    tiny = torch.finfo(gram.dtype).tiny ** 0.5
    total = torch.zeros((), dtype=gram.real.dtype, device=gram.device)
    for number in range(iterations + 1):
        gram = gram if number == 0 else gram @ gram
        size = torch.linalg.matrix_norm(gram).real.clamp(min=tiny)
        gram = gram / size[..., None, None]
        total = total + torch.log(size) / 2.0**number
    return torch.exp(total.amax()) * ROUNDING


def convolution_square(weight: Tensor) -> Tensor:
    """A bound of ‖K‖² for a convolution with stride 1 on a grid of any size.

    With zeros outside, without an outside or around a circle, K is a part of the convolution on
    the whole grid, whose norm is that of its symbol.  A symbol of k taps, a trigonometric
    polynomial of degree d = (k − 1)/2 up to a phase, is at most 1/cos(πd/n) times as large between
    n points as at them (Ehlich and Zeller 1964).  The margin of the check is added, so that what is
    trained within this bound passes it.

    Parameters
    ----------
    weight : Tensor, shape (channels out, channels in, taps[, taps])

    Returns
    -------
    Tensor, shape ()
    """
    taps = weight.shape[2:]
    if prod(taps) == 1:
        return matrix_square(weight.reshape(weight.shape[:2]))
    least = 64 if len(taps) == 1 else 16
    counts = [1 if size == 1 else max(least, 4 * size) for size in taps]
    symbol = torch.fft.rfftn(weight, s=counts, dim=list(range(2, weight.ndim)))
    blocks = symbol.flatten(2).permute(2, 0, 1)
    factor = prod(_between(size, count) * _between(size, max(_CHECKED_AT, 2 * size + 2))
                  for size, count in zip(taps, counts, strict=True))
    return factor**2 * matrix_square(blocks)


def _between(taps: int, count: int) -> float:
    """How much larger a symbol may be between `count` frequencies than at them."""
    return 1 / cos(pi * (taps - taps % 2) / (2 * count))
