"""The implicit block, solved to convergence, whose derivative is that of the solution."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.schemes import Implicit
from stabkit.stability.notions import CONTRACTION, EUCLIDEAN, Notion
from stabkit.torch.activation import Activation, learn_positive
from stabkit.torch.diffusion import exact_parts
from stabkit.torch.layer import SymmetricLayer
from stabkit.torch.operators import Differences, Stencil
from stabkit.torch.signals import check_signals

Map = Callable[[Tensor], Tensor]


class ImplicitBlock(nn.Module):
    """u ↦ v with v + τKᵀΦ(K v + b) = u (alt2021, eq. (8)): stable for every τ > 0.

    v is the minimum of a strongly convex function, as Φ does not fall; it is found by Nesterov's
    method.  Gradients are those of v itself, by the implicit function theorem: the number of
    iterations costs no memory.

    Parameters
    ----------
    K : Stencil or Differences
    flux : Activation, optional
        Φ, one that does not fall; Charbonnier's if left out.
    tau : float
        To begin with; it is learned and stays positive.
    bias : bool
        Whether there is a b.
    tolerance : float
        Largest residual, relative to the largest entry of u and v.
    max_iterations : int
        After so many the solver gives up with an error, of v or of its derivative.
    """

    tau: Tensor

    def __init__(self, K: Stencil | Differences, flux: Activation | None = None, tau: float = 1.0,
                 bias: bool = False, tolerance: float = 1e-5, max_iterations: int = 1000):
        super().__init__()
        self.layer = SymmetricLayer(K, Activation() if flux is None else flux, bias)
        if not self.layer.flux.unit.facts.monotone:
            raise InvalidArgument(f"flux: {self.layer.flux.unit.name} falls somewhere, so that the "
                                  "equation may have several solutions; take one that does not")
        self.tolerance, self.max_iterations = tolerance, max_iterations
        learn_positive(self, "tau", tau)

    def check(self, notion: Notion) -> None:
        """Refuse a notion that does not hold for every τ > 0."""
        if notion not in (EUCLIDEAN, CONTRACTION):
            raise InvalidArgument("notion: an implicit block is certified in EUCLIDEAN and "
                                  f"CONTRACTION, got {notion!r:.60}")
        if notion is EUCLIDEAN and self.layer.bias is not None:
            raise InvalidArgument("bias: a block with one moves 0; take CONTRACTION, or leave the "
                                  "bias out")

    def constrain(self, notion: Notion) -> None:
        """Nothing is left to do: every τ > 0 is within the bound."""
        self.check(notion)

    def forward(self, u: Tensor) -> Tensor:
        """v for u of shape (batch, channels, \\*grid)."""
        if torch.compiler.is_exporting():
            raise InvalidArgument("module: an ImplicitBlock solves an equation and has no graph to "
                                  "export; certify decides it as a scheme")
        K = self.layer.K
        check_signals(u, K.channels, K.dimension, weight=K.weight)
        with torch.no_grad():
            solution = self._solve(u)
        if not torch.is_grad_enabled():
            return solution
        tau = self.tau
        v = u + tau * self.layer(solution)
        if v.requires_grad:
            point = solution.detach().requires_grad_()
            moved = point - tau.detach() * self.layer(point)
            v.register_hook(lambda slope: self._pulled_back(moved, point, slope))
        return v

    def _solve(self, u: Tensor) -> Tensor:
        tau = self.tau
        steep = 1 + tau * self.layer.steepness()
        momentum = (torch.sqrt(steep) - 1) / (torch.sqrt(steep) + 1)
        size = u.abs().amax().clamp(min=torch.finfo(u.dtype).tiny)
        v = ahead = u
        for _ in range(self.max_iterations):
            residual = ahead - u - tau * self.layer(ahead)
            # With a bias v is no multiple of u, and not 0 where u is.
            small = self.tolerance * torch.maximum(size, ahead.abs().amax())
            if bool(residual.abs().amax() <= small):
                return ahead
            v, before = ahead - residual / steep, v
            ahead = v + momentum * (v - before)
        raise HypothesisNotMet(f"implicit block: no convergence in {self.max_iterations} iterations"
                               f" (residual {float(residual.abs().amax()):.1e}); take a smaller "
                               "tau, a larger tolerance, or float64; NaN never converges")

    def _pulled_back(self, moved: Tensor, point: Tensor, slope: Tensor) -> Tensor:
        """(I + τKᵀDK)⁻¹ of a slope, by conjugate gradients: the matrix is symmetric."""
        def product(x: Tensor) -> Tensor:
            made, = torch.autograd.grad(moved, point, x, retain_graph=True)
            return made

        return conjugate_gradients(product, slope.detach(), self.tolerance,
                                   self.max_iterations)

    def scheme(self, shape: tuple[int, ...]) -> Implicit:
        """The block as a scheme on flattened signals."""
        K, flux, tau = exact_parts(self, shape)
        return Implicit(K, flux, tau)


def conjugate_gradients(product: Map, right: Tensor, tolerance: float, most: int) -> Tensor:
    """The solution of A x = r for A >= I, up to a residual of `tolerance` times |r|.

    Raises
    ------
    HypothesisNotMet
        Where `most` iterations do not get so far.
    """
    x, residual = torch.zeros_like(right), right
    direction, square = residual, float((residual * residual).sum())
    small = tolerance**2 * square
    for _ in range(most):
        if square <= small:
            return x
        image = product(direction)
        length = square / float((direction * image).sum())
        x, residual = x + length * direction, residual - length * image
        square, before = float((residual * residual).sum()), square
        direction = residual + (square / before) * direction
    if square <= small:
        return x
    raise HypothesisNotMet(f"implicit block: its derivative did not converge in {most} iterations; "
                           "take a smaller tau, a larger tolerance, more max_iterations, or "
                           "float64; NaN never converges")
