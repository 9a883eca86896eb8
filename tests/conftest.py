"""How the tests run: quick ones first, and the same examples every time where a machine judges."""

import gc
import os
import sys
from pathlib import Path

import pytest
from array_libraries import LIBRARIES, Library
from hypothesis import settings

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# Bytecode is kept, by pytest and by the programs that tests start: else each of them compiles the
# package anew, and pytest rewrites the assertions of every file before the first test.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Thousands of tests come and stay: they are no garbage, now nor in later collections."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items):
    """Then come those of no room: each takes long, and would keep one process busy at the end."""
    whole = Path(__file__).parent
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None
               and 1 + (item.path.parent != whole))


@pytest.fixture(params=LIBRARIES)
def xp(request):
    """Each array library in turn."""
    return Library(request.param)
