"""The Gauss-Newton method with conjugate gradients and Armijo's line search.

Full steps may go uphill, so every step is shortened until the objective falls enough (Armijo);
the linear systems are solved by a few steps of conjugate gradients, of which only products with
the Gauss-Newton matrix are needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from stabkit.errors import InvalidArgument


@dataclass(frozen=True)
class Expansion:
    """An objective near a point.

    Attributes
    ----------
    value : float
    gradient : ndarray, shape (n,)
    product : callable
        v ↦ H v with a symmetric positive semidefinite H, such as Jᵀ∇²ℓ J.
    """

    value: float
    gradient: np.ndarray
    product: Callable[[np.ndarray], np.ndarray]


class Objective(Protocol):
    """What is minimised."""

    def value(self, x: np.ndarray) -> float:
        """The objective at x."""

    def expand(self, x: np.ndarray) -> Expansion:
        """The objective near x."""


@dataclass(frozen=True)
class Minimum:
    """What :meth:`GaussNewton.minimise` found, and what it cost.

    Attributes
    ----------
    x : ndarray, shape (n,)
    values : tuple of float
        The objective at the start and after every step.
    evaluations, expansions, products : int
        How often it evaluated the objective alone, expanded it, and multiplied by H.
    converged : bool
        The gradient is small enough.  If not, the steps are used up or the line search failed.
    """

    x: np.ndarray
    values: tuple[float, ...]
    evaluations: int
    expansions: int
    products: int
    converged: bool


@dataclass(frozen=True)
class GaussNewton:
    """The method and its parameters.

    Parameters
    ----------
    steps : int
        The largest number of Gauss-Newton steps.
    inner : int
        The largest number of conjugate gradient steps in each.
    accuracy : float
        Relative residual at which the conjugate gradients stop.
    tolerance : float
        The method has converged where the gradient's norm is at most this times that at the start.
    decrease : float
        A step t d is accepted if f falls by at least ``-decrease · t gᵀd`` (Armijo).
    halvings : int
        How often a step is halved before the line search gives up.
    """

    steps: int = 2
    inner: int = 10
    accuracy: float = 0.05
    tolerance: float = 1e-8
    decrease: float = 1e-4
    halvings: int = 10

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("inner", 1), ("halvings", 0)):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < least:
                raise InvalidArgument(f"{name}: must be an integer >= {least}, got "
                                      f"{getattr(self, name)!r}")
        for name in ("accuracy", "decrease"):
            if not 0 < getattr(self, name) < 1:
                raise InvalidArgument(f"{name}: must lie between 0 and 1, got "
                                      f"{getattr(self, name)}")
        if not 0 <= self.tolerance < 1:
            raise InvalidArgument(f"tolerance: must be >= 0 and < 1, got {self.tolerance}")

    def minimise(self, objective: Objective, start: np.ndarray) -> Minimum:
        """Go downhill from `start`; the objective never rises.

        Parameters
        ----------
        objective : Objective
        start : ndarray, shape (n,)
        """
        counted, x = _Counted(objective), np.asarray(start, dtype=float)
        values: list[float] = []
        goal, converged = None, False
        for _ in range(self.steps):
            near = counted.expand(x)
            size = float(np.linalg.norm(near.gradient))
            values = values or [near.value]
            goal = self.tolerance * size if goal is None else goal
            if size <= goal:
                converged = True
                break
            found = self._search(counted, near, x, self._direction(near))
            if found is None:
                break
            x, value = found
            values.append(value)
        return Minimum(x, tuple(values), counted.evaluations, counted.expansions, counted.products,
                       converged)

    def _direction(self, near: Expansion) -> np.ndarray:
        """H d ≈ −g by conjugate gradients; started at 0 they stop at a descent direction."""
        n = len(near.gradient)
        H = LinearOperator((n, n), matvec=near.product, dtype=float)
        return cg(H, -near.gradient, rtol=self.accuracy, maxiter=self.inner)[0]

    def _search(self, objective: Objective, near: Expansion, x: np.ndarray, d: np.ndarray
                ) -> tuple[np.ndarray, float] | None:
        slope = float(near.gradient @ d)
        if not slope < 0:  # nan too: the conjugate gradients broke down
            return None
        for halved in range(self.halvings + 1):
            t = 0.5**halved
            value = objective.value(x + t * d)
            if value <= near.value + self.decrease * t * slope:
                return x + t * d, value
        return None


@dataclass
class _Counted:
    """An objective that counts how often it is evaluated."""

    objective: Objective
    evaluations: int = 0
    expansions: int = 0
    products: int = 0

    def value(self, x: np.ndarray) -> float:
        self.evaluations += 1
        return self.objective.value(x)

    def expand(self, x: np.ndarray) -> Expansion:
        self.expansions += 1
        near = self.objective.expand(x)
        return Expansion(near.value, near.gradient, lambda v: self._product(near, v))

    def _product(self, near: Expansion, v: np.ndarray) -> np.ndarray:
        self.products += 1
        return near.product(v)
