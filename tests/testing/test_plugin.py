"""The pytest plugin: it is light, sums up what was decided, and is silent where it is not used."""

import subprocess
import sys
from pathlib import Path

import pytest

import stabkit

pytest_plugins = ["pytester"]
ROOT = Path(stabkit.__file__).parent.parent


def test_the_plugin_is_light():
    done = subprocess.run([sys.executable, "-c", (
        "import sys, pytest_stabkit\n"
        "print({'stabkit', 'numpy', 'scipy', 'flint', 'numba'} & set(sys.modules))")],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)})
    assert done.stdout == "set()\n"


SUITE = """
    import numpy as np
    import pytest
    from stabkit import EUCLIDEAN, RANGE, Explicit, difference, fluxes
    from stabkit.testing import assert_stable

    def step(tau):
        return Explicit(difference(1, 3), fluxes.soft(), tau)

    @pytest.mark.parametrize("tau", ["1/4", "1/2"])
    def test_block(tau):
        for notion in (EUCLIDEAN, RANGE):
            assert_stable(step(tau), notion)

    def test_function():
        for seed in (1, 2):
            assert_stable(lambda u: np.sort(u) / 2, EUCLIDEAN, size=2, trials=10, seed=seed)

    def test_broken():
        assert_stable(step(1), EUCLIDEAN)
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_the_plugin_sums_up(pytester, monkeypatch, workers):
    """The witness is in the report, no line of stabkit's own code is, and the summary counts."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(test_suite=SUITE)
    result = pytester.runpytest_subprocess("-p", "pytest_stabkit", *workers)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines([
        "*assert_stable(step(1), EUCLIDEAN)",
        "E * is not stable in the sense of 'euclidean'",
        "E *u      = (*)",
        "E *u⁺     = (*)",
        "E *margin = ‖u‖² − ‖u⁺‖² = -*",
        "test_suite.py:*: NotStable",
        "*= stabkit: assertions of stability =*",
        "refuted    test_suite.py::test_broken: euclidean",
        "supported  test_suite.py::test_function: euclidean, 2 times, * trials",
    ])
    lines = result.stdout.lines
    proved = [line for line in lines if line.startswith("proved ")]
    assert sorted(proved) == [
        f"proved     test_suite.py::test_block[{tau}]: {notion}"
        for tau in ("1/2", "1/4") for notion in ("euclidean", "range")]
    assert "1 refuted, 2 supported, 4 proved" in lines
    assert not any("assertion.py" in line for line in lines)


@pytest.mark.slow
def test_the_plugin_is_silent_where_it_is_not_used(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile("def test_nothing(record_property):\n    record_property('a', 1)")
    result = pytester.runpytest_subprocess("-p", "pytest_stabkit")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*stabkit: *")


@pytest.mark.slow
def test_a_long_list_is_cut_unless_asked_for(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile("""
        import pytest, pytest_stabkit

        @pytest.mark.parametrize("i", range(30))
        def test_many(i):
            pytest_stabkit.note("proved", "range", 0)
    """)
    result = pytester.runpytest_subprocess("-p", "pytest_stabkit")
    result.stdout.fnmatch_lines(["proved     10 more tests; -v lists them", "30 proved"])
    result = pytester.runpytest_subprocess("-p", "pytest_stabkit", "-v")
    result.stdout.fnmatch_lines(["proved     *test_many?29?: range", "30 proved"])
