"""A pytest plugin: at the end of a run, what ``stabkit.testing.assert_stable`` found.

In the configuration of a project ``stabkit_trials`` and ``stabkit_seconds`` say how many random
signals an assertion tries, and how long it may take, where its own arguments do not.

It stands beside the package and imports nothing of it, so that a project that does not use it
does not pay for it when pytest starts.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

#: Worst first.
STATUSES = ("refuted", "undecided", "supported", "proved")
PROPERTY = "stabkit"
_LISTED = 20

#: What the configuration of the project says, as ``assert_stable`` takes it.
settings: dict[str, float] = {}
_OPTIONS = {
    "trials": (int, "random signals that assert_stable tries (20000)"),
    "seconds": (float, "after so many seconds assert_stable ends its search (no limit)"),
}

_running: list[Any] = []  # the test that runs now


def note(status: str, notion: str, trials: int) -> None:
    """Note one verdict with the running test, if there is one."""
    for item in _running:
        item.user_properties.append((PROPERTY, [status, notion, trials]))


def pytest_addoption(parser: Any) -> None:
    """Tell pytest the names of the options."""
    for name, (_, says) in _OPTIONS.items():
        parser.addini(f"stabkit_{name}", says, default="")


def pytest_configure(config: Any) -> None:
    """Read the options, and register the summary, once per run."""
    settings.clear()
    for name, (kind, _) in _OPTIONS.items():
        said = config.getini(f"stabkit_{name}")
        if said == "":
            continue
        try:
            settings[name] = kind(said)
        except ValueError:
            settings[name] = 0
        if not 0 < settings[name] < float("inf"):
            raise pytest.UsageError(f"stabkit_{name}: must be a positive number, got {said!r}")
    config.pluginmanager.register(Summary(), "stabkit-summary")


class Summary:
    """Collects the verdicts from the reports, which xdist brings from its workers."""

    def __init__(self) -> None:
        self.noted: Counter[tuple[str, str, str]] = Counter()
        self.trials: Counter[tuple[str, str, str]] = Counter()

    def pytest_runtest_setup(self, item: Any) -> None:
        _running[:] = [item]

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when != "teardown":  # every test has one, and it knows all that was noted
            return
        for name, noted in report.user_properties:
            if name == PROPERTY:
                status, notion, trials = noted
                self.noted[status, report.nodeid, notion] += 1
                self.trials[status, report.nodeid, notion] += trials

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self.noted:
            return
        totals = {status: sum(count for (found, *_), count in self.noted.items()
                              if found == status) for status in STATUSES}
        terminalreporter.section("stabkit: assertions of stability")
        everything = terminalreporter.config.get_verbosity() > 0
        for status in STATUSES:
            lines = [self._line(key) for key in self.noted if key[0] == status]
            shown = lines if everything else lines[:_LISTED]
            for line in shown:
                terminalreporter.write_line(line)
            if len(shown) < len(lines):
                terminalreporter.write_line(
                    f"{status:<10} {len(lines) - len(shown)} more tests; -v lists them")
        terminalreporter.write_line(", ".join(
            f"{count} {status}" for status, count in totals.items() if count))

    def _line(self, key: tuple[str, str, str]) -> str:
        status, test, notion = key
        times = f", {self.noted[key]} times" if self.noted[key] > 1 else ""
        tried = f", {self.trials[key]} trials" if status in ("supported", "undecided") else ""
        return f"{status:<10} {test}: {notion}{times}{tried}"
