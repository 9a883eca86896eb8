"""How soon a function that fails is told."""

import time

import numpy as np
import pytest

from stabkit import EUCLIDEAN
from stabkit.testing import NotStable, assert_stable


@pytest.mark.parametrize("size", [4, 64, 256, 3000])
def test_a_function_that_fails_is_told_as_soon_as_one_that_holds(size):
    """Both are decided by the trace; in processor time, with an allowance for short runs."""
    def seconds(factor):
        start = time.process_time()
        try:
            assert_stable(lambda u: factor * (np.roll(u, 1) + u), EUCLIDEAN, size=size)
        except NotStable as error:
            assert factor > 0.5 and len(str(error).splitlines()) <= 40
        else:
            assert factor <= 0.5
        return time.process_time() - start

    seconds(0.5)
    assert seconds(0.6) <= 5 * seconds(0.5) + 0.3
