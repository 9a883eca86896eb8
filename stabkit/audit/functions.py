"""A user's function of arrays under audit."""

from __future__ import annotations

from typing import ClassVar

from stabkit.schemes import Function


class ExactFunction(Function):
    """A function of float arrays that is given exact numbers, too, as far as it takes them."""

    exact: ClassVar[bool] = True
