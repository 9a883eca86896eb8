"""Each test draws the same numbers, whichever tests ran before it in its process."""

import sys

import pytest


@pytest.fixture(autouse=True)
def same_draws(request):
    if "loaded" in request.fixturenames:
        request.getfixturevalue("loaded")
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(3)
