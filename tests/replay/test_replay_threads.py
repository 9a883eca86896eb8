"""The checker's work and flint's precision belong to a call: threads do not disturb each other."""

import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from threading import Barrier

import pytest
from evidence_files import evidence, verdict_file
from flint import arb, ctx

from stabkit import fluxes
from stabkit.arithmetic.enclosure import Interval, precision
from stabkit.errors import InvalidEvidence
from stabkit.operators import difference
from stabkit.replay import check, replay, work
from stabkit.schemes import Explicit, repeat
from stabkit.stability.decide import _decide, decide
from stabkit.stability.notions import EUCLIDEAN, RANGE
from stabkit.stability.property import Stable
from stabkit.stability.verdict import UNDECIDED, Outcome

THREADS = 8


@pytest.fixture(autouse=True)
def _switching_often():
    """Threads take turns every few operations instead of every five milliseconds."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(tasks):
    """The results of all tasks, each begun when all are ready."""
    ready = Barrier(len(tasks))

    def run(task):
        ready.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def pieces():
    """Evidence that needs from 64 to 2048 bits, that stays undecided or false, in balls and in
    rational numbers."""
    for digits in (5, 25, 60, 130, 280, 600):
        yield evidence(f"exp(1/10**{digits}) > 1 + 1/10**{digits}", let=[["a", "sqrt(2)*ones(9)"]],
                       margin=f"sqrt(2 + 1/10**{digits})")
    yield evidence("sqrt(2) * sqrt(2) == 2")
    yield evidence("all(sin(x) <= 84/100 for x in cells([0, 1/2, 1]))")
    yield evidence("exp(1) > 2", arithmetic="rational")
    yield evidence("v[7] > 0", arithmetic="rational",
                   let=[["v", "[1, 2, 3, 4, 5, 6, 7, 8] / 3"], ["w", "outer(v, v) @ v"]])


@pytest.mark.slow
def test_eight_threads_find_what_one_finds():
    items = list(pieces())
    alone = [check(item) for item in items]
    assert None in alone and any(reason and "4096 bits" in reason for reason in alone)

    def all_from(first):
        order = [(first + k) % len(items) for k in range(len(items))]
        found = {k: check(items[k]) for k in order}
        return [found[k] for k in range(len(items))]

    before = ctx.prec
    for found in in_threads([lambda first=first: all_from(first) for first in range(THREADS)]):
        assert found == alone
    assert ctx.prec == before


@pytest.mark.slow
def test_each_thread_has_its_own_allowance(monkeypatch):
    """Eight calculations of 60000 steps run side by side, though 100000 are allowed to each."""
    monkeypatch.setattr(work, "MAX_STEPS", 100_000)
    item = evidence("sum(A @ A) > 0", let=[["A", "outer(ones(30), ones(30))"]])
    assert check(item) is None
    long = evidence("sum(A @ A @ A) > 0", let=[["A", "outer(ones(30), ones(30))"]])
    with pytest.raises(work.Exhausted):
        check(long)
    assert in_threads([lambda: check(item)] * THREADS) == [None] * THREADS


def test_precision_is_lent_to_one_thread_at_a_time():
    """√2 has the digits of the precision that was asked for, and the precision is given back."""
    def roots(bits):
        with precision(bits):
            return {(ctx.prec, str(arb(2).sqrt().rad().man_exp()[1])) for _ in range(300)}

    before = ctx.prec
    asked = [64, 4096, 128, 2048, 256, 1024, 512, 100]
    found = in_threads([lambda bits=bits: roots(bits) for bits in asked])
    assert [len(each) for each in found] == [1] * THREADS
    assert [next(iter(each))[0] for each in found] == asked and ctx.prec == before


def test_the_precision_is_given_back_after_an_error():
    before = ctx.prec
    with pytest.raises(ZeroDivisionError), precision(999):
        _ = 1 / 0
    assert ctx.prec == before


@pytest.mark.slow
def test_deciding_in_threads_is_deciding_one_after_the_other():
    """The same statuses, evidence and margins, though each works with precisions of its own."""
    K = difference(1, 4)
    problems = [Stable(repeat(Explicit(K, fluxes.perona_malik(), tau), steps), notion)
                for tau, steps, notion in [("1/3", 1, EUCLIDEAN), ("53/100", 1, RANGE),
                                           ("1/2", 1, RANGE), ("9/10", 2, EUCLIDEAN),
                                           (2, 7, EUCLIDEAN), (Fraction(3, 2), 6, RANGE),
                                           ("2/7", 3, EUCLIDEAN), (1, 1, RANGE)]]

    def solved(problem):
        outcome = decide(problem, trials=300, seed=3)
        margin = outcome.margin
        if isinstance(margin, Interval):
            margin = margin.lower, margin.upper
        return outcome.status, margin, [item.to_json({}) for item in outcome.evidence]

    alone = [solved(problem) for problem in problems]
    assert len({status for status, *_ in alone}) > 1
    assert in_threads([lambda problem=problem: solved(problem) for problem in problems]) == alone
    with precision(2048):  # as another thread may have left it
        assert [solved(problem) for problem in problems] == alone
        assert decide(_WhichPrecision()).reason == "53"


class _WhichPrecision:
    """Not a property: deciding it tells with what precision everything is decided."""


@_decide.register
def _(what: _WhichPrecision, trials, seed, signals):
    return Outcome(UNDECIDED, reason=str(ctx.prec))


# -- one allowance for the whole file --------------------------------------------------------------


def test_many_pieces_that_are_just_allowed_do_not_run_on(monkeypatch):
    """Each takes less than one piece may, all together more than one file may."""
    items = [evidence("sum(A @ A) > 0", let=[["A", "outer(ones(30), ones(30))"]]) | {"place": k}
             for k in range(6)]
    file = verdict_file(*items, status="proved", expected="proved", configurations=6, margin=None)
    assert all(finding.holds for finding in replay(file))
    monkeypatch.setattr(work, "MAX_STEPS_OF_FILE", 250_000)
    with pytest.raises(InvalidEvidence, match=r"evidence\[\d\].*file take more than 250000 steps"):
        replay(file)
    assert check(items[0]) is None


def test_the_allowance_of_a_file_stops_a_single_piece(monkeypatch):
    """Also in the middle of one, and while its data are read."""
    item = evidence("sum(A @ A @ A) > 0", let=[["A", "outer(ones(30), ones(30))"]])
    file = verdict_file(item, status="proved", expected="proved", configurations=1, margin=None)
    for allowed in (100_000, 1000, 10):
        monkeypatch.setattr(work, "MAX_STEPS_OF_FILE", allowed)
        with pytest.raises(InvalidEvidence, match="the file take more than"):
            replay(file)
