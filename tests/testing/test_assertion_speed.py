"""A function that fails is told as soon as one that holds, and in few lines, however long."""

import sys
import time
from functools import partial

import numpy as np
import pytest

from stabkit import CONTRACTION, EUCLIDEAN
from stabkit.stability.verdict import PROVED
from stabkit.testing import NotStable, assert_stable

FORMS = {
    "factor": lambda c: lambda u: c * u,
    "pair": lambda c: lambda u: c / 2 * (np.roll(u, 1) + u),
    "diffusion": lambda c: lambda u: u - c / 2 * (2 * u - np.roll(u, 1) - np.roll(u, -1)),
}
HOLDS, FAILS = 1, 1.2  # of each form: the largest factor, or step, and one beyond it


def told(form, factor, notion, size):
    """Ask; a failure is told in few lines."""
    try:
        assert_stable(FORMS[form](factor), notion, size=size)
    except NotStable as error:
        assert factor == FAILS and len(str(error).splitlines()) <= 40
    else:
        assert factor == HOLDS


def calls(task):
    """How many functions a task calls, which no other work on the machine changes."""
    count = 0

    def see(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(see)
    try:
        task()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.slow
@pytest.mark.parametrize("notion", [EUCLIDEAN, CONTRACTION], ids=["euclidean", "contraction"])
@pytest.mark.parametrize("form", FORMS)
def test_a_function_that_fails_is_told_as_soon_as_one_that_holds(form, notion):
    """Both are decided by the trace; the exact input of a failure is work for each entry, once."""
    for size in (4, 64, 300):
        told(form, HOLDS, notion, size)
    few, many = (calls(partial(told, form, FAILS, notion, size)) for size in (300, 3000))
    assert many <= 12 * few and many <= 1000 * 3000
    start = time.process_time()
    told(form, HOLDS, notion, 3000)
    held = time.process_time() - start
    told(form, FAILS, notion, 3000)
    assert time.process_time() - start <= 4 * held + 5


@pytest.mark.slow
@pytest.mark.parametrize("keeps", [lambda u: 1 * u, lambda u: -u, lambda u: np.roll(u, 1)],
                         ids=["identity", "negation", "shift"])
def test_what_keeps_the_norm_is_proved_at_every_size(keeps):
    """1 − |g|² = 0 at every angle: the symbol is written, not a matrix, and tells of one more."""
    for size in (50, 51, 3000):
        assert assert_stable(keeps, EUCLIDEAN, size=size).status is PROVED
        with pytest.raises(NotStable):
            assert_stable(lambda u: (1 + 1e-6) * keeps(u), EUCLIDEAN, size=size)


@pytest.mark.slow
@pytest.mark.parametrize("size", [64, 1500])
def test_what_breaks_everywhere_is_told_in_few_lines(size):
    """All entries of the output change: u plus its mean, of which 1 all over is doubled."""
    with pytest.raises(NotStable) as raised:
        assert_stable(lambda u: u + np.mean(u), EUCLIDEAN, size=size, trials=100)
    assert len(str(raised.value).splitlines()) <= 40


def test_the_lines_of_a_long_message_show_it_again():
    """Few entries are set one by one."""
    with pytest.raises(NotStable) as raised:
        assert_stable(lambda u: 2 * u, EUCLIDEAN, size=300)
    lines = [line.strip() for line in str(raised.value).splitlines()]
    code = [line for line in lines if line.startswith(("u =", "u["))]
    known = {"np": np}
    exec("\n".join(code), known)
    assert known["u"].shape == (300,) and (known["u"] == raised.value.inputs[0]).all()
    assert "of 300 samples" in str(raised.value)
