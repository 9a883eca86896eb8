"""Statements come from schemes that run on symbols: what they write is pinned here by hand."""

from types import SimpleNamespace

import pytest

from stabkit.errors import InvalidEvidence
from stabkit.proof import THEOREMS, check, explain, symbols
from stabkit.proof.symbols import Symbols, as_square
from stabkit.proof.text import parse
from stabkit.schemes.diffusion import DiffusionScheme


def test_the_statement_of_theorem_2_is_the_theorem():
    assert THEOREMS["explicit step, euclidean"].statement == {
        "kind": "algebra",
        "parameters": {"tau": "> 0", "L": "> 0", "c": ">= 0"},
        "assume": {"step": "2 - L*c*tau >= 0"},
        "operators": {"K": "N -> M"}, "bounds": {"K": "c"},
        "fluxes": {"phi": {"sector": ["0", "L"]}},
        "vectors": {"u": "N"},
        "visits": {"E0": {"flux": "phi", "at": "K@u", "value": "f0", "energy": "p0"}},
        "goal": "u.T@u - (u - tau*K.T@f0).T@(u - tau*K.T@f0) >= 0",
    }


@pytest.mark.parametrize("name, goal", [
    ("implicit step, euclidean", "(u + tau*K.T@f0).T@(u + tau*K.T@f0) - u.T@u >= 0"),
    ("explicit step, energy", "p0 - p1 >= 0"),
    ("explicit step, contraction",
     "(u - v).T@(u - v) - (u - tau*K.T@f0 - v + tau*K.T@f1).T"
     "@(u - tau*K.T@f0 - v + tau*K.T@f1) >= 0"),
    ("implicit step, uniqueness", "-(u - v).T@(u - v) >= 0"),
    ("explicit step, Lipschitz constant",
     "kappa**2*d.T@d - (d - tau*K.T@G@K@d).T@(d - tau*K.T@G@K@d) >= 0"),
    ("parabolic network, flow contracts",
     "u.T@K.T@f0 - u.T@K.T@f1 - v.T@K.T@f0 + v.T@K.T@f1 >= 0"),
    ("fixed point of any number of iterations, euclidean", "u.T@u - v.T@v >= 0"),
    ("FSI cycle of any length, super time step", "3*now - l**2*tau - l*tau == 0"),
])
def test_a_goal_is_what_the_notion_says(name, goal):
    assert THEOREMS[name].statement["goal"] == goal


def test_the_visits_are_where_the_scheme_evaluates_its_flux():
    for name, points in {
        "explicit step, energy": ["K@u", "K@u - tau*K@K.T@f0"],
        "fixed point of 3 iterations, euclidean": [
            "K@u", "K@u - tau*K@K.T@f0", "K@u - tau*K@K.T@f1"],
        "residual block with biases, contraction": ["K@u + b", "K@v + b"],
        "fixed point of any number of iterations, euclidean": ["K@u", "K@v"],
    }.items():
        visits = THEOREMS[name].statement["visits"]
        assert [visit["at"] for visit in visits.values()] == points


def test_equal_points_are_one_visit_and_others_are_not():
    s = Symbols()
    K, phi, psi, u = s.operator("K"), s.flux("phi"), s.flux("psi"), s.vector("u")
    one, same = phi(K @ u), phi.activation(K @ (2 * u - u))
    assert (one - same).is_zero()
    assert not (one - psi(K @ u)).is_zero() and not (one - phi(2 * (K @ u))).is_zero()
    assert len(s.data["visits"]) == 3


def test_the_gradient_of_the_real_schemes_runs_on_symbols():
    """The same expression as the scheme of this room, from the code that arrays go through."""
    s = Symbols()
    K, flux, tau, u = s.operator("K"), s.flux(sector=(0, 1)), s.parameter("tau"), s.vector("u")
    scheme = SimpleNamespace(K=K, flux=flux)
    real = u - tau * DiffusionScheme._gradient(scheme, u)
    assert (real - symbols.explicit(K, flux, tau)(u)).is_zero()


def test_what_does_not_fit_is_refused_while_it_is_written():
    s = Symbols()
    K, phi, u = s.operator("K"), s.flux(), s.vector("u")
    for wrong in (lambda: K @ phi(K @ u), lambda: u - phi(K @ u), lambda: K @ K @ u,
                  lambda: u - 0.5 * u):
        with pytest.raises(InvalidEvidence):
            wrong()


def test_a_scheme_that_lacks_a_hypothesis_writes_another_statement():
    """Theorem 2 with the step bound of the contraction, but a flux that is only in a sector."""
    s = Symbols()
    tau, c = s.parameter("tau"), s.parameter("c", ">= 0")
    s.assume("step", 2 - tau * c)
    K, flux = s.operator("K", bound=c), s.flux(sector=(0, 1))
    statement = symbols.contraction(s, symbols.forwards(symbols.explicit(K, flux, tau)))
    with pytest.raises(InvalidEvidence, match="slopes"):
        check(statement, {"steps": [{"use": "slopes", "at": ["E0", "E1"], "times": "2*tau"}]})


def test_the_proof_of_theorem_2_reads_as_on_paper():
    theorem = THEOREMS["explicit step, euclidean"]
    assert explain(theorem.statement, theorem.proof) == """\
For all
  τ > 0, L > 0, c >= 0
  2 - L c τ >= 0   [step]
  K: N -> M, |K|² <= c
  u in N
  Φ(s)/s between 0 and L   [sector]
  f0 = Φ(K u)   [E0]
holds
  uᵀ u - (u - τ Kᵀ f0)ᵀ (u - τ Kᵀ f0) >= 0; L times it is
      + (2 τ) ([f0] · [(L)(K u) - (f0)])   [sector E0]
      + (τ² L) (c |f0|² - |Kᵀ (f0)|²)   [bound Kᵀ]
      + (τ step) (|f0|²)   [square]"""


@pytest.mark.parametrize("text, square", [
    ("u.T@u - u.T@v - v.T@u + v.T@v", "(u - v).T@(u - v)"),
    ("2*u.T@u + 2*u.T@v + 2*v.T@u + 2*v.T@v", "(2)*((u + v).T@(u + v))"),
    ("(1 - tau)*u.T@u", "(1 - tau)*(u.T@u)"),
    ("tau**2*f.T@K@K.T@f - tau*f.T@K@u - tau*u.T@K.T@f + u.T@u",
     "(tau*K.T@f - u).T@(tau*K.T@f - u)|(-tau*K.T@f + u).T@(-tau*K.T@f + u)|"
     "(u - tau*K.T@f).T@(u - tau*K.T@f)"),
    ("u.T@u + v.T@v", ""), ("u.T@v + v.T@u", ""), ("u.T@u + u.T@v + v.T@u - v.T@v", ""),
    ("tau", ""),
    ("u.T@u - 2*tau*u.T@v + v.T@v", ""),
])
def test_a_square_is_told_as_one_and_nothing_else_is(text, square):
    """Completed by hand; what is told is the same expression."""
    s = Symbols()
    tau, u, v, f, K = (s.parameter("tau"), s.vector("u"), s.vector("v"), s.vector("f", "M"),
                       s.operator("K"))
    names = {"tau": tau, "u": u, "v": v, "f": f, "K": K}
    x = parse(text, names)
    told = as_square(x)
    assert told in square.split("|")
    assert not told or (parse(told, names) - x).is_zero()
