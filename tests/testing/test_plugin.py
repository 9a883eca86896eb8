"""The pytest plugin: it is light, sums up what was decided, and is silent where it is not used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import stabkit

pytest_plugins = ["pytester"]
ROOT = Path(stabkit.__file__).parent.parent


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_configuration_says_how_long_to_search(pytester, monkeypatch):
    """Trials and seconds of the project hold where an assertion says nothing itself."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\nstabkit_trials = 7\nstabkit_seconds = 0.5\n")
    pytester.makepyfile("""
        import numpy as np
        import pytest_stabkit
        from stabkit import RANGE
        from stabkit.testing import assert_stable

        def test_settings():
            assert pytest_stabkit.settings == {"trials": 7, "seconds": 0.5}
            few = assert_stable(np.sort, RANGE, size=3, seconds=60).trials
            more = assert_stable(np.sort, RANGE, size=3, seconds=60, trials=1007).trials
            assert more - few >= 1000
            assert assert_stable(np.sort, RANGE, size=3, seconds=1e-9).trials < few
    """)
    pytester.runpytest_subprocess("-p", "pytest_stabkit").assert_outcomes(passed=1)
    for line in "stabkit_trials = many", "stabkit_trials = 0", "stabkit_seconds = inf":
        pytester.makeini(f"[pytest]\n{line}\n")
        result = pytester.runpytest_subprocess("-p", "pytest_stabkit")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"*{line.split()[0]}: must be a positive number*"])


PROJECT = """
    import numpy as np
    import pytest
    from stabkit import CONTRACTION, EUCLIDEAN, RANGE, Explicit, difference, fluxes
    from stabkit.testing import assert_stable

    @pytest.mark.parametrize("notion", [EUCLIDEAN, RANGE, CONTRACTION], ids=str)
    @pytest.mark.parametrize("percent", range(1, 34))
    def test_linear(percent, notion):
        def step(u):
            return u + percent / 100 * (np.roll(u, 1) - 2 * u + np.roll(u, -1))
        assert_stable(step, notion, size=8)

    @pytest.mark.parametrize("flux", [fluxes.soft(), fluxes.garrote(), fluxes.perona_malik()])
    @pytest.mark.parametrize("samples", range(2, 13))
    def test_scheme(samples, flux):
        assert_stable(Explicit(difference(1, samples), flux, "1/4"), EUCLIDEAN)

    @pytest.mark.parametrize("notion", [RANGE, EUCLIDEAN], ids=str)
    @pytest.mark.parametrize("size", range(2, 36))
    def test_searched(size, notion):
        assert_stable(np.sort, notion, size=size)
"""


@pytest.mark.slow
def test_two_hundred_tests_of_a_project_take_less_than_a_minute(pytester, monkeypatch):
    """Of processor time, which other jobs disturb less: steps, schemes, and functions searched."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\nstabkit_trials = 1000\n")
    pytester.makepyfile(PROJECT)
    before = os.times()
    pytester.runpytest_subprocess("-p", "pytest_stabkit", "-q").assert_outcomes(passed=200)
    after = os.times()
    assert sum(after[2:4]) - sum(before[2:4]) < 60
