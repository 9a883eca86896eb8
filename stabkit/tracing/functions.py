"""The functions of NumPy that ask their arguments, each with what it does with symbols."""

from __future__ import annotations

import numpy as np

from stabkit.aliases import Function
from stabkit.tracing.arithmetic import ARITHMETIC
from stabkit.tracing.moving import MOVING
from stabkit.tracing.summing import SUMMING
from stabkit.tracing.systems import inverse, solve

FUNCTIONS: dict[Function, Function] = {
    **MOVING, **ARITHMETIC, **SUMMING, np.linalg.solve: solve, np.linalg.inv: inverse}
