"""``Fluxes.v``: facts and formulas are those of the dictionary, and Coq refuses better ones."""

import math
import re
import shutil
import subprocess
from fractions import Fraction as F
from pathlib import Path

import pytest
from coq_library import session, with_library

from stabkit import fluxes
from stabkit.coq import folder

TEXT = folder([]).files["Fluxes.v"]
#: Its theorems: name, ends of slopes, end of quotients, formula.
THEOREMS = re.findall(
    r"Theorem (\w+)[^:]*:(?:\s*0 < \w ->)?\s*facts (\S+|\(.*?\)\)|\(.*?\)) (\S+) (\S+)"
    r" \(fun s => (.*)\)\.\n", TEXT)


def coq_has_interval():
    if shutil.which("coqc") is None:
        return False
    where = subprocess.run(["coqc", "-where"], capture_output=True, text=True, check=True).stdout
    return (Path(where.strip()) / "user-contrib" / "Interval").is_dir()


with_interval = pytest.mark.skipif(not coq_has_interval(), reason=(
    "needs Coq and its package Interval: apt install coq libcoq-interval"))


def flux_of(name, contrast):
    make = getattr(fluxes, name.removesuffix("_flux"))
    return make() if name == "tanh_flux" else make(contrast)


def value_of(formula, s, contrast):
    """A formula of Coq in floats; the contrast is called l or q."""
    text = re.sub(r"(Rmax|Rmin) \((- q)\) \((Rmin) q s\)", r"max(-q, min(q, s))", formula)
    text = re.sub(r"(exp|sqrt) \(", r"\1(", text).replace("tanh s", "tanh(s)").replace("^", "**")
    return eval(text, {"exp": math.exp, "sqrt": math.sqrt, "tanh": math.tanh, "max": max,
                       "min": min, "s": s, "l": contrast, "q": contrast})


def test_the_theorems_are_read_here():
    assert {name for name, *_ in THEOREMS} == {"perona_malik", "rational", "charbonnier",
                                               "tanh_flux", "soft"}


@pytest.mark.parametrize("name, low, high, quotient, formula", THEOREMS)
def test_facts_and_formulas_are_those_of_the_dictionary(name, low, high, quotient, formula):
    """−447/1000 and so on; and the values at some points, for some contrasts."""
    facts = flux_of(name, 1).facts
    numbers = [F("".join(re.findall(r"[-\d/]", text))) for text in (low, high, quotient)]
    assert numbers == [*facts.slopes, facts.diffusivities[1]] and facts.diffusivities[0] == 0
    for contrast in (1, 3):
        flux = flux_of(name, contrast)
        for s in (-4.0, -1.5, -0.25, 0.5, 1.0, 2.0, 7.5):
            assert value_of(formula, s, contrast) == pytest.approx(float(flux.activation(s)))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = with_library(tmp_path_factory.mktemp("fluxes"), "Stabkit")
    for name in ("Makefile", "Fluxes.v"):
        (place / name).write_text(folder([]).files[name], "utf-8")
    return place


@with_interval
@pytest.mark.slow
def test_coq_accepts_the_facts(place):
    done = subprocess.run(["make", "fluxes"], cwd=place, capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def coq(place):
    """It has read all that the file begins with."""
    with session(place, *re.findall(r"^.*Require Import .*\.$", TEXT, re.MULTILINE)) as coq:
        yield coq


@with_interval
@pytest.mark.slow
@pytest.mark.parametrize("true, false", [
    ("447 / 1000", "446 / 1000"),                      # the least slope is −2 exp(−3/2) = −0.4463
    ("facts (- (1 / 8)) 1 1", "facts (- (1 / 9)) 1 1"),
    ("facts 0 1 1 (fun s => s / sqrt", "facts 0 (99 / 100) 1 (fun s => s / sqrt"),
    ("facts 0 1 1 (fun s => tanh s)", "facts 0 1 (99 / 100) (fun s => tanh s)"),
    ("facts 0 1 1 (fun s => Rmax", "facts (1 / 100) 1 1 (fun s => Rmax"),
], ids=["perona_malik", "rational", "charbonnier", "tanh", "soft"])
def test_coq_refuses_better_facts(place, coq, true, false):
    """Ends a little nearer than the true ones."""
    assert TEXT.count(true) >= 1
    (place / "Better.v").write_text(TEXT.replace(true, false), "utf-8")
    assert coq.refusal("Better")
