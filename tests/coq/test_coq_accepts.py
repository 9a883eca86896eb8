"""What Coq says of the files: true theorems pass, a changed proof or statement does not."""

import copy
import os
import shutil
import subprocess

import pytest

from stabkit.coq import Shown, folder
from stabkit.proof import THEOREMS

pytestmark = [pytest.mark.slow, pytest.mark.skipif(
    shutil.which("coqc") is None or shutil.which("make") is None,
    reason="needs Coq 8.16 and make: apt install coq make")]

CORE = [
    "explicit step, euclidean", "explicit step, energy", "implicit step, contraction",
    "explicit step on a line, range", "implicit step on a line, range", "ReLU of both signs",
    "implicit steps, any number, euclidean", "linear leapfrog network, conserved form",
    "two grids, fine values",
]
#: f·s − |f|²/b >= 0 by the interpolation between s and 0, where Φ is 0 by its sector.
AT_REST = {
    "kind": "algebra", "parameters": {"b": "> 0"}, "vectors": {"s": "M"},
    "fluxes": {"phi": {"sector": ["0", "b"], "slopes": ["0", "b"]}},
    "visits": {"E": {"flux": "phi", "at": "s", "value": "f", "energy": "p"}},
    "goal": "b*f.T@s - f.T@f >= 0",
}
BY_REST = {"rest": {"R": "E"}, "steps": [
    {"use": "interpolation", "at": ["E", "R"], "times": "1/2"},
    {"use": "interpolation", "at": ["R", "E"], "times": "1/2"}]}
#: What the theorems rest on: the classical real numbers of the library of Coq.
AXIOMS = {"ClassicalDedekindReals.sig_not_dec", "ClassicalDedekindReals.sig_forall_dec",
          "FunctionalExtensionality.functional_extensionality_dep", "Classical_Prop.classic"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the library, which Coq accepts."""
    place = tmp_path_factory.mktemp("coq")
    (place / "Stabkit.v").write_text(folder([]).files["Stabkit.v"], "utf-8")
    assert coqc(place, "Stabkit.v").returncode == 0
    return place


def coqc(place, name):
    return subprocess.run(["coqc", "-q", name], cwd=place, capture_output=True, text=True,
                          timeout=600)


def said_of(place, name, statement, proof):
    """What Coq says of one theorem."""
    files = folder([Shown(name, "", ((statement, proof),))]).files
    (place / f"{name}.v").write_text(files[f"{name}.v"], "utf-8")
    return coqc(place, f"{name}.v")


def test_coq_accepts_a_core_set_with_one_command(place):
    """Of every kind some, visits at rest too; they rest on the axioms of the reals alone."""
    shown = [Shown(name, made.says, ((made.statement, made.proof),))
             for name, made in ((name, THEOREMS[name]) for name in CORE)]
    made = folder([*shown, Shown("at rest", "", ((AT_REST, BY_REST),))])
    assert made.left_out == {}
    for name, text in made.files.items():
        if name != "Stabkit.v":
            (place / name).write_text(text, "utf-8")
    done = subprocess.run(["make", f"-j{min(4, os.cpu_count() or 1)}", "assumptions"], cwd=place,
                          capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    found = {line.split(" ")[0] for line in done.stdout.splitlines()
             if line and not line.startswith((" ", "coqc", "make", "Axioms:", "Closed"))}
    assert found <= AXIOMS


def changed(part, path, value):
    """A copy of the data with one entry changed."""
    made = copy.deepcopy(part)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    assert inner[path[-1]] != value
    inner[path[-1]] = value
    return made


@pytest.mark.parametrize("name, path, value", [
    ("multiplier", ("steps", 0, "times"), "3*tau"),
    ("sign", ("steps", 2, "times"), "-tau*(2 - L*c*tau)"),
    ("left_out", ("steps",), []),
])
def test_coq_refuses_a_changed_proof(place, name, path, value):
    """Theorem 2 with 3τ for 2τ, a negative multiplier, or no facts at all."""
    made = THEOREMS["explicit step, euclidean"]
    assert made.statement["goal"].endswith(">= 0")
    done = said_of(place, f"proof_{name}", made.statement, changed(made.proof, path, value))
    assert done.returncode != 0 and "Error" in done.stderr


@pytest.mark.parametrize("name, path, value", [
    ("step", ("assume", "step"), "4 - L*c*tau >= 0"),
    ("norm", ("bounds", "K"), "2*c"),
    ("flux", ("fluxes", "phi", "sector"), ["-1", "L"]),
    ("goal", ("goal",), "u.T@u/2 - (u - tau*K.T@f0).T@(u - tau*K.T@f0) >= 0"),
])
def test_coq_refuses_a_statement_that_is_false(place, name, path, value):
    """Twice the step, a larger operator, a flux of another sign, a smaller bound: all false."""
    made = THEOREMS["explicit step, euclidean"]
    done = said_of(place, f"statement_{name}", changed(made.statement, path, value), made.proof)
    assert done.returncode != 0 and "Error" in done.stderr
