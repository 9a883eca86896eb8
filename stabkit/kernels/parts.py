"""Parts of kernels, which become machine code in kernels alone.

A kernel holds a copy of every part, and nobody else calls one.  Numba would write each of them down
as machine code as well, and so take a third longer for a kernel.  A part raises nothing, as kernels
never do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from numba.extending import overload, register_jitable

_OPTIONS: Any = {}
try:
    from stabkit.kernels.linking import PartCompiler
except (ImportError, AttributeError, TypeError):
    pass  # a Numba whose inner names are others: kernels take longer to compile, and are the same
else:
    _OPTIONS["pipeline_class"] = PartCompiler
#: Make a function a part.
inner: Callable = register_jitable(**_OPTIONS) if _OPTIONS else register_jitable
#: Let a function be chosen by the types of its arguments: one that `choose` decorates tells which.
choose: Callable = partial(overload, jit_options=_OPTIONS)
