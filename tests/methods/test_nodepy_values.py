"""Tables from the literature: the values of NodePy 1.1.1 (Ketcheson et al. 2020) for them."""

from fractions import Fraction

import pytest

from stabkit import cycle, methods
from stabkit.methods import RungeKutta


def table(rows, weights):
    """A method from rows of text, each up to its last entry."""
    return RungeKutta("table", [row.split() for row in rows], weights.split())


#: Order, real_stability_interval, imaginary_stability_interval and absolute_monotonicity_radius.
VALUES = {
    "BS3": (table(["0", "1/2", "0 3/4", "2/9 1/3 4/9"], "2/9 1/3 4/9 0"),
            (3, 2.5127453266183255, 1.7320508075688776, 0)),
    "Merson43": (table(["0", "1/3", "1/6 1/6", "1/8 0 3/8", "1/2 0 -3/2 2"], "1/6 0 0 2/3 1/6"),
                 (4, 3.5483223442346743, 3.4641016151377553, 0)),
    "Fehlberg45": (table(["0", "1/4", "3/32 9/32", "1932/2197 -7200/2197 7296/2197",
                          "439/216 -8 3680/513 -845/4104",
                          "-8/27 2 -3544/2565 1859/4104 -11/40"],
                         "16/135 0 6656/12825 28561/56430 -9/50 2/55"),
                   (4, 3.677706621321891, 0, 0)),
    "DP5": (table(["0", "1/5", "3/40 9/40", "44/45 -56/15 32/9",
                   "19372/6561 -25360/2187 64448/6561 -212/729",
                   "9017/3168 -355/33 46732/5247 49/176 -5103/18656",
                   "35/384 0 500/1113 125/192 -2187/6784 11/84"],
                  "35/384 0 500/1113 125/192 -2187/6784 11/84 0"),
            (4, 3.3065678926349484, 0.99718900863253, 0)),
    "SSP43": (table(["0", "1/2", "1/2 1/2", "1/6 1/6 1/6"], "1/6 1/6 1/6 1/2"),
              (3, 5.149486147774052, 2.1561796401676547, 2)),
    "MTE22": (table(["0", "2/3"], "1/4 3/4"), (2, 2.0, 0, 0.5)),
    "RK44": (methods.rk4, (4, 2.785293563405289, 2.82842712474619, 0)),
    "Heun33": (methods.heun3, (3, 2.5127453266183255, 1.7320508075688776, 0)),
    "SSP33": (methods.ssp33, (3, 2.5127453266183255, 1.7320508075688776, 1)),
    "SSP104": (methods.ssp104, (4, 13.917047464637577, 4.921453070732012, 6)),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_of_nodepy(name):
    """Intervals of the axes to 10⁻⁹, where NodePy's polynomials are exact; SSP to its 10⁻⁶."""
    method, (order, real, imaginary, ssp) = VALUES[name]
    assert method.order == order  # ours stops at 4
    for found, expected, near in ((method.real_interval, real, 1e-9),
                                  (method.imaginary_interval, imaginary, 1e-9),
                                  (method.ssp_coefficient, ssp, 1e-6)):
        assert abs(float(found) - expected) < near and found.width < 1e-14


def test_a_wrong_digit_moves_them():
    """Merson's last row with 1/3 for 1/2: order and interval are others."""
    wrong = table(["0", "1/3", "1/6 1/6", "1/8 0 3/8", "1/3 0 -3/2 2"], "1/6 0 0 2/3 1/6")
    assert wrong.order < 4
    assert abs(float(wrong.imaginary_interval) - 3.4641016151377553) > 1e-3


@pytest.mark.parametrize("length, amplification", [(3, 3.0), (5, 5.0), (10, 10.0)])
def test_internal_amplification_of_chebyshev_cycles(length, amplification):
    """NodePy's maximum_internal_amplification of RKC1 near the origin; the interval is 2n².

    NodePy has 99.99995 for n = 10, where |R| touches 1 inside.
    """
    found = cycle("rkc", length)
    assert abs(found.internal_amplification - amplification) < 1e-9
    assert found.real_interval == Fraction(2 * length**2)
