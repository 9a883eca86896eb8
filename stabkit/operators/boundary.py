"""What lies outside a grid."""

from __future__ import annotations

from enum import Enum

import numpy as np

from stabkit.errors import InvalidArgument


class Boundary(Enum):
    """Where the samples outside u₁ … u_N come from."""

    REFLECTING = "reflecting"  # zero flux: K1 is (N-1)xN, higher orders its alternating products
    NATURAL = "natural"        # nothing outside: only the N-m rows whose stencil fits
    PERIODIC = "periodic"      # u_{i+N} = u_i
    DIRICHLET = "dirichlet"    # zeros outside: every row that meets the signal
    MIRRORED = "mirrored"      # u_0 = u_1, u_{-1} = u_2, ...: the padding of the frameworks, NxN
    ODD_MIRRORED = "odd mirrored"      # u_0 = -u_1, u_{-1} = -u_2, ...: zeros half a cell outside
    NODE_MIRRORED = "node mirrored"    # u_0 = u_2, u_{-1} = u_3, ...: zero flux at the end nodes

    def __repr__(self) -> str:
        return self.value

    def sources(self, places: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Where the samples at any `places` are taken from, and with which factor.

        Parameters
        ----------
        places : ndarray of int
            0 … n − 1 lie on the grid, all others outside.
        n : int

        Returns
        -------
        (ndarray of int, ndarray of int)
            Places on the grid, and factors 1, −1, or 0 where there is nothing.

        Raises
        ------
        InvalidArgument
            For ``REFLECTING`` and ``NATURAL``, which say nothing of samples outside.
        """
        ones = np.ones_like(places)
        if n == 0:
            return 0 * places, 0 * ones
        if self is Boundary.DIRICHLET:
            inside = (places >= 0) & (places < n)
            return np.where(inside, places, 0), inside.astype(int)
        if self is Boundary.PERIODIC:
            return places % n, ones
        if self is Boundary.NODE_MIRRORED:
            period = max(2 * n - 2, 1)
            return np.minimum(places % period, -places % period), ones
        if self in (Boundary.MIRRORED, Boundary.ODD_MIRRORED):
            met = places % (2 * n)
            odd = self is Boundary.ODD_MIRRORED
            return np.minimum(met, 2 * n - 1 - met), np.where(met < n, 1, -1) if odd else ones
        if ((places >= 0) & (places < n)).all():
            return places, ones
        raise InvalidArgument(f"boundary: {self.name} has no samples outside of the grid; take "
                              "DIRICHLET, PERIODIC or MIRRORED")


REFLECTING, NATURAL, PERIODIC, DIRICHLET, MIRRORED, ODD_MIRRORED, NODE_MIRRORED = Boundary


def check_boundary(boundary: object, *among: Boundary) -> None:
    """Refuse a value that is no Boundary, or not one of those."""
    known = among or tuple(Boundary)
    if not isinstance(boundary, Boundary) or boundary not in known:
        raise InvalidArgument(f"boundary: must be one of {', '.join(each.name for each in known)}, "
                              f"got {boundary!r:.60}")
