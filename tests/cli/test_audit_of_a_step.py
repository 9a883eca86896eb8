"""``stabkit audit FILE.py:step``: exit statuses, the table, and evidence that replays."""

import json
import textwrap
from time import process_time

import pytest

from stabkit.cli import main
from stabkit.replay import check

HEAT = """
    import numpy as np

    class Rod:
        def step(self, u, dt):
            return u + dt * (np.roll(u, 1) - 2 * u + np.roll(u, -1))

    rod = Rod()

    def step(u, dt):
        return u + dt * (np.roll(u, 1) - 2 * u + np.roll(u, -1))

    def mean(u):
        return (u + np.roll(u, 1)) / 2

    def growing(u, dt):
        return u + dt * u

    def sorted_by(u):
        return np.sort(u)
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "heat.py"
    path.write_text(textwrap.dedent(HEAT))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name, options, status, words", [
    ("step", ["--notion", "range", "--dt", "1/2"], 0, "proved at dt = 1/2 (range)"),
    ("step", ["--notion", "range", "--dt", "0.51"], 1, "one bright pixel"),
    ("step", ["--notion", "range"], 0, "proved for 0 < dt <= 1/2"),
    ("rod.step", ["--notion", "euclidean"], 0, "proved for 0 < dt <= 1/2"),
    ("growing", ["--notion", "max norm"], 1, "refuted for every dt > 0"),
    ("mean", ["--notion", "range", "--notion", "positivity"], 0, "proved"),
    ("sorted_by", ["--notion", "range"], 3, "not proved"),
    ("sorted_by", ["--notion", "bounded powers"], 3, "undecided"),
])
def test_statuses_of_a_step(file, capsys, name, options, status, words):
    """u + dt u'' keeps the range up to 1/2 and not at .51; (1 + dt) u never; sorting is supported
    in floats only."""
    assert main(["audit", f"{file}:{name}", "--shape", "8", *options]) == status
    shown = capsys.readouterr().out
    assert words in shown and "was executed" in shown


@pytest.mark.slow
def test_all_senses_and_their_evidence(file, tmp_path, capsys):
    """Without a notion the table is shown; each piece of evidence replays by itself."""
    target = tmp_path / "v.json"
    assert main(["audit", f"{file}:step", "--shape", "9", "--json", str(target)]) == 0
    assert "no signal grows without bound" in capsys.readouterr().out
    assert main(["replay", str(target)]) == 0
    evidence = [item for verdict in json.loads(target.read_text())["verdicts"]
                for item in verdict["evidence"]]
    assert len(evidence) >= 5 and all(check(item) is None for item in evidence)


@pytest.mark.parametrize("name, options, words", [
    (":step", [], "shape"), (":step", ["--shape", "a"], "64x64"), ("", ["--shape", "4"], ":step"),
    (":nothing", ["--shape", "4"], "names no function"),
    (":step", ["--shape", "4", "--dt", "-1"], "positive"),
    (":step", ["--shape", "4", "--dt", "much"], "dt"),
    (":step", ["--shape", "4", "--notion", "modes"], "notion"),
    (":mean", ["--shape", "4", "--dt", "1"], "dt"),
    (":step", ["--shape", "4", "--at-most", "1"], "at-most"),
])
def test_bad_input_of_a_step_is_one_line(file, capsys, name, options, words):
    """The status is 2, and the message names what is wrong."""
    assert main(["audit", f"{file}{name}", *options]) == 2
    shown = capsys.readouterr().err
    assert words in shown and "Traceback" not in shown


def test_a_file_that_raises_is_told_with_its_line(tmp_path, capsys):
    """A division by 0 in the second line."""
    path = tmp_path / "broken.py"
    path.write_text("import numpy as np\nx = 1 / 0\n")
    assert main(["audit", f"{path}:step", "--shape", "4"]) == 2
    assert "line 2" in capsys.readouterr().err


@pytest.mark.parametrize("leaving", ["SystemExit(0)", "SystemExit(1)", "GeneratorExit()",
                                     "type('Odd', (BaseException,), {})()"])
def test_a_step_that_leaves_the_program_is_not_proved_nor_refuted(tmp_path, capsys, leaving):
    """exit(0) in a step must not be the exit status of a proof, nor another one of a refutation."""
    path = tmp_path / "leaves.py"
    path.write_text(f"def step(u, dt):\n    raise {leaving}\n")
    assert main(["audit", f"{path}:step", "--shape", "4"]) == 2
    error = capsys.readouterr().err
    assert leaving.partition("(")[0].replace("type", "Odd") in error and "Traceback" not in error


def test_a_step_without_room_is_undecided(tmp_path, capsys):
    path = tmp_path / "large.py"
    path.write_text("def step(u, dt):\n    raise MemoryError('74.5 GiB')\n")
    assert main(["audit", f"{path}:step", "--shape", "4", "--budget", "5"]) == 3
    assert "74.5 GiB" in capsys.readouterr().out


@pytest.mark.slow
def test_the_budget_of_a_step_ends_its_search(tmp_path, capsys):
    """A reaction among 200 entries cannot be traced to a proof: its search ends with its time."""
    path = tmp_path / "reaction.py"
    path.write_text("import numpy as np\n\n\ndef step(u, dt):\n"
                    "    return u + dt * (np.roll(u, 1) - u) * u * np.roll(u, -1)\n")
    start = process_time()
    assert main(["audit", f"{path}:step", "--shape", "200", "--budget", "0.1"]) == 3
    assert process_time() - start < 6 and "proved at" not in capsys.readouterr().out


@pytest.mark.slow
def test_the_variation_around_the_circle_is_not_the_variation(tmp_path, capsys):
    """Upwind on a ring takes (0, 0, 1, 1) to (1/2, 0, 1/2, 1) at dt = 1/2.

    Σ |uᵢ₊₁ − uᵢ| goes from 1 to 3/2, while around the circle it stays 2.
    """
    path = tmp_path / "ring.py"
    path.write_text("import numpy as np\n\n\ndef step(u, dt):\n"
                    "    return u - dt * (u - np.roll(u, 1))\n")
    asked = ["audit", f"{path}:step", "--shape", "4", "--notion", "variation"]
    assert main([*asked, "--dt", "1/2"]) == 1
    assert main(asked) in (1, 3)
    assert "that is proved for 0 < dt <= 1" in " ".join(capsys.readouterr().out.split())
    assert main([*asked[:-1], "cyclic variation"]) == 0
