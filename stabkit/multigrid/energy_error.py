"""How far any vector is from the solution, by one cycle of a proven factor."""

from __future__ import annotations

from stabkit.aliases import Signal
from stabkit.arithmetic.enclosure import Interval
from stabkit.errors import HypothesisNotMet, InvalidArgument
from stabkit.multigrid.energy_bound import EnergyBound
from stabkit.multigrid.fourier_bound import FourierBound
from stabkit.multigrid.matrices import vector
from stabkit.multigrid.solver import Multigrid


def energy_error(method: Multigrid, bound: EnergyBound | FourierBound, b: Signal, u: Signal
                 ) -> Interval:
    """Enclose ‖u − A⁻¹b‖_A a posteriori, by one cycle.

    With ‖E‖_A <= q, the residual r and the cycle B from zero, (1 − q) ‖e‖² <= rᵀB r <= (1 + q) ‖e‖²
    in the energy norm.  Proven for an exact hierarchy; in floats r and B r are rounded.

    Parameters
    ----------
    method : Multigrid
        Of any size.
    bound : EnergyBound or FourierBound
        Of this method, which is checked; a factor alone is not taken.
    b, u : array_like

    Raises
    ------
    HypothesisNotMet
        If the bound is that of another method, or its factor is not below 1.
    """
    if not isinstance(bound, (EnergyBound, FourierBound)):
        raise InvalidArgument("bound: must be what energy_bound or fourier_bound has proven, not a "
                              f"factor alone, got {bound!r}")
    given, found = (vector(part, name, method.A.dtype).reshape(-1)
                    for part, name in ((b, "b"), (u, "u")))
    if not len(given) == len(found) == method.A.shape[0]:
        raise InvalidArgument(f"b, u: must have {method.A.shape[0]} entries, got {len(given)} and "
                              f"{len(found)}")
    method.check_compatible(given)
    q = Interval(bound.factor)
    if not q.hi < 1 or not bound.check(method):
        raise HypothesisNotMet("energy_error: the bound is not that of this method, or its factor "
                               "is not below 1")
    rest = given - method.A @ found
    product = Interval(rest @ method.step(0 * rest, rest))
    return Interval((product / (1 + q)).sqrt().lo, (product / (1 - q)).sqrt().hi)
