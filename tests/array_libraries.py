"""The array libraries that array expressions must run on, and what the tests ask of each."""

import numpy as np
import pytest

from stabkit.arithmetic import backend


class Library:
    """Arrays of one library: made from NumPy's, and brought back."""

    def __init__(self, name):
        self.name = name
        if name == "array_api_strict":
            self.module = pytest.importorskip(name, reason="needs array-api-strict: the extra test")
        elif name == "cupy":
            usable, state = backend._cupy_state()
            if not usable:
                pytest.skip(f"no GPU: {state}")
            self.module = pytest.importorskip(name)
        else:
            self.module = np

    def array(self, values):
        """The same numbers, with the strides of NumPy's where the library knows any."""
        if self.name == "numpy read-only":
            values = values.view()
            values.flags.writeable = False
        return values if self.module is np else self.module.asarray(values)

    def host(self, array):
        """Back as NumPy's, and proof that nothing left the library on the way."""
        assert backend.namespace(array) is self.module
        return backend.to_host(array)

    def computes_like_numpy(self):
        """array_api_strict hands every call to NumPy, so there even exp has the same bits."""
        return self.name != "cupy"


LIBRARIES = [
    "numpy", "numpy read-only", "array_api_strict", pytest.param("cupy", marks=pytest.mark.gpu)]


def agree(mine, reference, *, exactly, ulps=64):
    """Equal bits up to the payload of a NaN, or a few units in the last place."""
    assert mine.dtype == reference.dtype and mine.shape == reference.shape
    if exactly:
        assert np.array_equal(mine, reference, equal_nan=True)
        assert np.array_equal(np.signbit(mine)[mine == 0], np.signbit(reference)[mine == 0])
        return
    finite = np.isfinite(reference)
    assert np.array_equal(mine[~finite], reference[~finite], equal_nan=True)
    if finite.any():
        size = max(float(np.abs(reference[finite]).max()), np.finfo(reference.dtype).tiny)
        gap = np.abs(mine[finite] - reference[finite]).max()
        assert gap <= ulps * np.finfo(reference.dtype).eps * size
