"""Parts of kernels are linked into them, and are nowhere else."""

import sys
from importlib.util import module_from_spec

import numpy as np
import pytest
from numba import njit
from numba.core.codegen import JITCPUCodegen

from stabkit import kernels
from stabkit.kernels import parts
from stabkit.kernels.parts import choose, inner


def add(a, b):
    """a + b, or the sum of b where a is None."""


@choose(add)
def _add(a, b):
    return (lambda a, b: b.sum()) if str(a) == "none" else (lambda a, b: a + b)


@inner
def twice(x):
    return add(x, x)


@inner
def room(count):
    return np.empty(count)


@pytest.fixture
def modules(monkeypatch):
    """The names of all that becomes machine code; nothing is found on the disk."""
    names, before = [], JITCPUCodegen._add_module

    def note(self, module):
        names.append(module.name)
        return before(self, module)

    monkeypatch.setattr(JITCPUCodegen, "_add_module", note)
    monkeypatch.setattr(kernels, "CACHE", None)
    return names


@pytest.mark.slow
def test_a_kernel_alone_becomes_machine_code(modules):
    """2·2·x of two parts in each other, for whole numbers and for others."""
    compiled = kernels.kernel(lambda x: twice(twice(x)))
    assert (compiled(3), compiled(0.75)) == (12, 3.0)
    assert [name for name in modules if name != "nrt"] == ["<lambda>"] * 2


@pytest.mark.slow
def test_another_numba_makes_the_same_kernels(monkeypatch):
    """Without the inner names of this Numba 2x + (x + y) is what it was: with x = 3, y = 4, 13."""
    monkeypatch.setitem(sys.modules, "stabkit.kernels.linking", None)
    plain = module_from_spec(parts.__spec__)
    parts.__spec__.loader.exec_module(plain)

    def first(a, b):
        """Chosen below."""

    @plain.choose(first)
    def _first(a, b):
        return lambda a, b: a + b

    double = plain.inner(lambda x: 2 * x)
    assert njit(**kernels.OPTIONS)(lambda x, y: double(x) + first(x, y))(3, 4) == 13


@pytest.mark.slow
def test_a_part_is_chosen_by_types_and_says_that_memory_is_short():
    """1 + 2 + 3 + 4 = 10; and 2⁵⁸ numbers are more than there is room for."""
    assert kernels.kernel(lambda x: add(None, x))(np.arange(1.0, 5.0)) == 10
    with pytest.raises(MemoryError):
        kernels.kernel(lambda count: room(count)[0])(2**58)
