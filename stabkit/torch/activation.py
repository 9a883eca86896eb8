"""The fluxes of the dictionary as activations with a contrast that is learned."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from stabkit import fluxes
from stabkit.aliases import Record
from stabkit.arithmetic.rational import fraction
from stabkit.errors import InvalidArgument
from stabkit.fluxes.flux import Flux


def _eighth_power(s: Tensor) -> Tensor:
    """s⁸; where slopes are taken at least 2⁻¹⁶, which e^(−3.3/s⁸) = 0 rounds away in any float.

    The slope at 0 would be 0 · ∞ otherwise.
    """
    square = (s * s).clamp(min=0.0625) if torch.is_grad_enabled() else s * s
    return square * square * (square * square)


#: Φ₁, the flux with contrast or threshold 1; firm with the thresholds 1 and 2.
_UNIT: dict[Callable[..., Flux], Callable[[Tensor], Tensor]] = {
    fluxes.identity: lambda s: s,
    fluxes.charbonnier: lambda s: s * torch.rsqrt(1 + s * s),
    fluxes.perona_malik: lambda s: s * torch.exp(-s * s / 2),
    fluxes.rational: lambda s: s / (1 + s * s),
    fluxes.garrote: lambda s: s / (s * s).clamp(min=1),
    fluxes.hard: lambda s: torch.where(s.abs() <= 1, s, 0.0),
    fluxes.firm: lambda s: nn.functional.hardtanh(s) * (2 - s.abs()).clamp(0, 1),
    fluxes.tukey: lambda s: s * (1 - s * s).clamp(min=0) ** 2 / 2,
    fluxes.weickert: lambda s: s * (1 - torch.exp(-3.31488 / _eighth_power(s))),
    fluxes.soft: nn.functional.hardtanh,
    fluxes.relu: torch.relu,
    fluxes.tanh: torch.tanh,
}
#: Those with λΦ₁(s/λ) = Φ₁(s), which have no contrast.
_SCALE_FREE = (fluxes.identity, fluxes.relu)


class Positive(nn.Module):
    """x ↦ eˣ, for a number that must stay positive.

    Parameters
    ----------
    name : str
        Of the number, for messages.
    """

    def __init__(self, name: str):
        super().__init__()
        self.name = name

    def forward(self, logarithm: Tensor) -> Tensor:
        """eˣ."""
        return torch.exp(logarithm)

    def right_inverse(self, value: Tensor) -> Tensor:
        """ln x.

        Raises
        ------
        InvalidArgument
            For a number that is not positive and finite, or no tensor.
        """
        check_tensor(value, self.name)
        if not bool(((value > 0) & torch.isfinite(value)).all()):
            raise InvalidArgument(f"{self.name}: must be positive and finite, got "
                                  f"{value.detach()}")
        return torch.log(value)


def check_tensor(value: Any, name: str) -> None:
    """Refuse a number where PyTorch's parametrisations need a tensor."""
    if not isinstance(value, Tensor):
        raise InvalidArgument(f"{name}: must be set to a tensor, such as torch.tensor({value!r:.20}"
                              f"), got {type(value).__name__}")


def as_tensor(value: Any, name: str) -> Tensor:
    """A number as a tensor."""
    try:
        return torch.tensor(float(value))
    except (TypeError, ValueError):
        raise InvalidArgument(f"{name}: must be a number, got {value!r:.60}") from None


def learn_positive(module: nn.Module, name: str, value: float) -> None:
    """Give a module a number that is learned and stays positive."""
    module.register_parameter(name, nn.Parameter(as_tensor(value, name)))
    parametrize.register_parametrization(module, name, Positive(name))


class Activation(nn.Module):
    """Φ(s) = λΦ₁(s/λ), a flux of the dictionary with its contrast λ.

    With a learned K one contrast is enough: that of a single feature is the size of its stencil.

    Parameters
    ----------
    make : callable
        The flux, one of ``stabkit.fluxes``: ``identity``, ``charbonnier``, ``perona_malik``,
        ``rational``, ``garrote``, ``soft``, ``hard``, ``firm`` (its second threshold is 2λ),
        ``tukey``, ``weickert``, ``relu`` or ``tanh``.
    contrast : float
        λ > 0 to begin with.
    learnable : bool
        Whether λ is trained.

    Examples
    --------
    >>> Activation(fluxes.soft, contrast=2.0)(torch.tensor([-5.0, 1.0])).tolist()
    [-2.0, 1.0]
    """

    contrast: Tensor

    def __init__(self, make: Callable[..., Flux] = fluxes.charbonnier, contrast: float = 1.0,
                 learnable: bool = True):
        super().__init__()
        if not isinstance(make, Hashable) or make not in _UNIT:
            names = ", ".join(known.__name__ for known in _UNIT)
            raise InvalidArgument(f"make: must be one of stabkit.fluxes: {names}; got {make!r:.80}")
        self._make, self._formula, self.unit = make, _UNIT[make], make()
        self.has_contrast = make not in _SCALE_FREE
        if not self.has_contrast:
            return
        if learnable:
            learn_positive(self, "contrast", contrast)
        else:
            value = as_tensor(contrast, "contrast")
            Positive("contrast").right_inverse(value)
            self.register_buffer("contrast", value)

    def __getstate__(self) -> Record:
        kept = dict(self.__dict__)  # without the formulas, which cannot be pickled
        del kept["_formula"], kept["unit"]
        return kept

    def __setstate__(self, state: Record) -> None:
        super().__setstate__(state)
        self._formula, self.unit = _UNIT[self._make], self._make()

    def forward(self, s: Tensor) -> Tensor:
        """Φ(s), entry by entry."""
        if s.is_complex():
            raise InvalidArgument(f"s: must be real, got {s.dtype}")
        if not self.has_contrast:
            return self._formula(s)
        contrast = self.contrast
        return contrast * self._formula(contrast.reciprocal() * s)

    @property
    def steepest(self) -> float:
        """A number that Φ′ does not exceed, with the rounding of λ · (1/λ).

        Raises
        ------
        InvalidArgument
            For a flux that jumps.
        """
        if not self.unit.facts.continuous:
            raise InvalidArgument(f"flux: {self.unit.name} jumps, so its slopes have no bound; "
                                  "take EUCLIDEAN or RANGE, or give tau a number")
        return float(self.unit.facts.slopes[1]) * (1 + 2.0**-20)

    @property
    def largest_diffusivity(self) -> float:
        """A number that Φ(s)/s does not exceed.

        Raises
        ------
        InvalidArgument
            Where there is none.
        """
        top = self.unit.facts.sup_diffusivity
        if top is None:
            raise InvalidArgument(f"flux: the diffusivity of {self.unit.name} has no bound")
        return float(top) * (1 + 2.0**-20)

    def factors(self) -> tuple[Fraction, Fraction]:
        """κ and c with Φ(s) = cΦ₁(κs), exactly as the module multiplies.

        Raises
        ------
        InvalidArgument
            Where a contrast has grown to infinity or shrunk to 0.
        """
        if not self.has_contrast:
            return Fraction(1), Fraction(1)
        contrast = self.contrast.detach()
        return fraction(float(contrast.reciprocal()), "1/contrast"), fraction(
            float(contrast), "contrast")

    def extra_repr(self) -> str:
        """What PyTorch prints of it."""
        return self.unit.name
