"""The numbers that say what a kernel computes: one list for Numba, CUDA and their callers.

Nothing is imported here, so that whoever names a code need not load a compiler.
"""

from __future__ import annotations

from enum import IntEnum


class FluxCode(IntEnum):
    """A flux of ``stabkit.kernels.fluxes``; `TANH` has no kernel on a GPU."""

    IDENTITY = 0
    CHARBONNIER = 1
    SOFT = 2
    PERONA_MALIK = 3
    GARROTE = 4
    HARD = 5
    RATIONAL = 6
    WEICKERT = 7
    LEAKY_RELU = 8
    TANH = 9
    LINEAR = 10
    FIRM = 11


#: The fluxes with Φ(c s) = c Φ(s) for c > 0, where Φ on the left has c q and c p.
HOMOGENEOUS = frozenset(FluxCode) - {FluxCode.LEAKY_RELU, FluxCode.TANH, FluxCode.LINEAR}


class SchemeCode(IntEnum):
    """A scheme of ``stabkit.kernels.steps``."""

    EXPLICIT = 0
    FSI = 1
    FROZEN_FSI = 2
    FIXED_POINT = 3


class NotionCode(IntEnum):
    """A margin of ``stabkit.kernels.margins``."""

    EUCLIDEAN = 0
    CONTRACTION = 1
    RANGE = 2
    SIGN = 3


class EdgeCode(IntEnum):
    """What a stencil of ``stabkit.kernels.linear`` does beyond the boundary."""

    NATURAL = 0
    PERIODIC = 1
    ZERO = 2


class BendCode(IntEnum):
    """What the kernel ``bend`` of ``steps.cu`` writes."""

    FLUXES = 0
    SCALED = 1
    DIFFUSIVITIES = 2
