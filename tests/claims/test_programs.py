"""The programs that reports print beside proofs for all: they run as they stand, and see faults."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from stabkit.claims import obligations
from stabkit.claims.claim import registry
from stabkit.proof import check, recipe
from stabkit.report.contents import Entry
from stabkit.report.explain import PROGRAM

CLAIMS = {name: entry for name, entry in registry().items() if entry.for_all}


@pytest.mark.parametrize("name", CLAIMS)
def test_the_program_of_a_proof_prints_that_it_holds(name, capsys):
    """Plain Python that shares nothing with the kernel, for every claim that is proved for all."""
    for statement in obligations.statements(CLAIMS[name]):
        exec(recipe(statement, obligations.proof_of(statement)), {})
        printed = capsys.readouterr().out.splitlines()
        assert printed and all(line.endswith(": holds") for line in printed)


@pytest.mark.slow
@pytest.mark.parametrize("name", [
    "alt2021.euclidean_stability", "alt2020.maximum_minimum_principle",
    "alt2021.fsi_cycle_is_euclidean_stable_frozen"])
def test_the_program_that_a_report_prints_runs_as_it_stands(name):
    """Copied from the text, in a fresh interpreter; it sees a doubled summand or weight."""
    statement = obligations.statements(CLAIMS[name])[0]
    proof = obligations.proof_of(statement)
    assert set(printed_by_the_program(name, statement, proof)) == {"holds"}
    if statement["kind"] == "rows":
        statement = {**statement, "weights": dict.fromkeys(statement["weights"], "1")}
    else:
        sums = proof if "steps" in proof else proof["end"]
        first, *others = sums["steps"]
        key = "with" if first["use"] == "equation" else "times"
        first = {**first, key: f"2*({first.get(key, '1')})"}
        sums = {**sums, "steps": [first, *others]}
        proof = sums if "steps" in proof else {**proof, "end": sums}
    said = printed_by_the_program(name, statement, proof)
    assert {"does not hold", "is not shown"} & set(said)


def printed_by_the_program(name, statement, proof):
    item = {"kind": "proof", "arithmetic": "rational", "configuration": {},
            "data": {"statement": statement, "proof": proof}}
    shown = Entry(CLAIMS[name], SimpleNamespace(evidence=(item,))).evidence[0]["text"]
    program = shown.partition(PROGRAM + "\n")[2]
    run = subprocess.run([sys.executable, "-I", "-S", "-"], input=program, capture_output=True,
                         text=True, check=True)
    return [line.rpartition(": ")[2] for line in run.stdout.splitlines()]


def test_names_of_a_statement_are_not_those_of_the_program(capsys):
    """A matrix Q, a number n and a vector sum: (n² Q)ᵀ(n² Q) >= 0, and -n² is not."""
    statement = {"kind": "algebra", "parameters": {"n": "any"}, "operators": {"Q": "N -> M"},
                 "vectors": {"sum": "N"}, "goal": "n**4*sum.T@Q.T@Q@sum/2 >= 0"}
    proof = {"steps": [{"use": "square", "x": "n**2*Q@sum", "times": "1/2"}]}
    check(statement, proof)
    exec(recipe(statement, proof), {})
    exec(recipe(statement | {"goal": "-n**4*sum.T@Q.T@Q@sum/2 >= 0"}, proof), {})
    assert capsys.readouterr().out.splitlines() == ["goal: holds", "goal: does not hold"]
