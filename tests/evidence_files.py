"""Evidence and verdict files made by hand, for the tests of the checker."""

from fractions import Fraction

from stabkit.replay import check, seal, sealed


def evidence(*shows, given=None, let=(), arithmetic="ball", kind="certificate", **more):
    data = {"given": given or {}, "let": [list(line) for line in let], "shows": list(shows),
            "by": "the conditions are the claim itself", **more}
    return {"kind": kind, "arithmetic": arithmetic, "configuration": {}, "data": data}


def verdict_file(*items, **changes):
    """A verdict file with one verdict and sealed evidence."""
    verdict = {
        "claim": "a.claim", "location": "Theorem 1", "reading": "printed", "status": "refuted",
        "expected": "refuted", "as_expected": True, "configurations": 48, "trials": 1024,
        "margin": -4.0, "sharp": True, "tightness": 1.001, "evidence": list(items), **changes}
    return sealed_again({"stabkit": "0.1.0", "seed": 0, "budget": 60.0, "environment": {},
                         "verdicts": [verdict]})


def sealed_again(content):
    """A file as a forger who knows of the seals leaves it."""
    for verdict in content["verdicts"]:
        for item in verdict["evidence"]:
            item["data"]["seal"] = seal(verdict, item)
    return sealed(content)


def witness():
    """Phi(s) = -s, K = (-1, 1), tau = 1: u = (0, 1) -> (-1, 2), and 5 > 1."""
    return evidence(
        "v == [-1, 2]", "norm2(v) > norm2(u)", kind="witness", arithmetic="rational",
        given={"K": [["-1", "1"]], "u": ["0", "1"], "tau": "1"},
        let=[["phi(x)", "-x"], ["s", "K @ u"], ["v", "u - tau * (K.T @ phi(s))"]],
        margin="norm2(u) - norm2(v)", margin_value="-4")


def holds(expression, **given):
    return check(evidence(expression, given=given)) is None


def texts(array):
    return [[str(x) for x in row] if isinstance(row, (list, tuple)) else str(row) for row in array]


def random_matrix(rng, rows, columns, low=-3, high=3):
    return [[Fraction(rng.randint(low, high), rng.randint(1, 3)) for _ in range(columns)]
            for _ in range(rows)]
