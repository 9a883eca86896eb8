"""``assert_stable`` with long signals: as fast where it fails, and what it says is short."""

import time

import numpy as np
import pytest

from stabkit import CONTRACTION, EUCLIDEAN
from stabkit.testing import NotStable, assert_stable


def failure(*arguments, **options):
    with pytest.raises(NotStable) as raised:
        assert_stable(*arguments, **options)
    return raised.value


@pytest.mark.slow
@pytest.mark.parametrize("n", [4, 256, 1500])
@pytest.mark.parametrize("notion", [EUCLIDEAN, CONTRACTION], ids=str)
def test_a_failing_function_answers_as_fast_as_a_holding_one(n, notion):
    """And in at most 40 lines, whatever the violation looks like: in one place, or everywhere."""
    def seconds(task):
        start = time.process_time()  # other work on the machine does not count
        task()
        return time.process_time() - start

    holding = seconds(lambda: assert_stable(lambda u: 0.5 * u, notion, size=n))
    for wrong in (lambda u: 1.0001 * u, lambda u: u + np.mean(u) * np.ones_like(u),
                  lambda u: u - 0.6 * (2 * u - np.roll(u, 1) - np.roll(u, -1))):
        errors = []
        taken = seconds(lambda f=wrong, found=errors: found.append(failure(f, notion, size=n)))
        assert taken < 3 * holding + 5
        assert len(str(errors[0]).splitlines()) <= 40


def test_the_lines_of_a_long_message_show_it_again():
    """Few entries are set one by one."""
    error = failure(lambda u: 2 * u, EUCLIDEAN, size=300)
    lines = [line.strip() for line in str(error).splitlines()]
    code = [line for line in lines if line.startswith(("u =", "u["))]
    known = {"np": np}
    exec("\n".join(code), known)
    assert known["u"].shape == (300,) and (known["u"] == error.inputs[0]).all()
    assert "of 300 samples" in str(error)
