"""ResNet, iResNet and classic networks as forms of MgNet (Sections 7 and 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Term, Transcript, named
from stabkit.claims.claim import claim
from stabkit.claims.he2019.convolutions import RELU, SPLIT, SPLIT_BY
from stabkit.claims.he2019.matrices import integers
from stabkit.stability.property import AllOf, Calculation
from stabkit.stability.verdict import REFUTED

SEEDS = (1, 2, 3)
INTEGERS = ("0", "1", "-1", "2", "-2")


def _map(log: Transcript, name: str, matrix: Any) -> Callable[[Any], Term]:
    given = log.give(name, matrix)
    return lambda f: named(given @ f, name.lower())


def _maps(log: Transcript, name: str, rng: np.random.Generator, count: int, *shape: int) -> list:
    return [_map(log, f"{name}{i}", integers(rng, *shape)) for i in range(1, count + 1)]


@claim("Theorem 8.1", within=dict(n=(1, 2, 3), seed=SEEDS))
def mgnet_is_iresnet(n, seed):
    """For A = ξ linear (no bias) and B^{l,i} = σ∘ηⁱ∘σ, fⁱ = f − ξ(uⁱ) satisfies fⁱ = fⁱ⁻¹ −
    ξσηⁱσ(fⁱ⁻¹): MgNet on one grid is an iResNet with one ξ."""
    # Imported here, because claims must load quickly.
    from stabkit.multigrid import iresnet_step, mg_features
    log, rng = Transcript(), np.random.default_rng([seed, n])
    xi, *_ = _maps(log, "X", rng, 1, n, n + 1)
    etas = _maps(log, "H", rng, 2, n + 1, n)
    f, u = log.give("f", integers(rng, n)), log.give("u", integers(rng, n + 1))
    data = [named(f - xi(v), "f") for v in mg_features(tuple(etas))(xi, f, u)]
    shows = [f"{new.text} == {iresnet_step(xi, eta)(old).text}"
             for eta, old, new in zip(etas, data, data[1:], strict=False)]
    return Calculation(log.given, log.let, shows,
                       "apply the linear ξ to uⁱ = uⁱ⁻¹ + Bⁱ(f − ξuⁱ⁻¹) and subtract from f",
                       necessary=True)


def block(eta: np.ndarray, i: int, count: int) -> np.ndarray:
    """η in block i of `count`, with zeros elsewhere."""
    return np.kron(np.eye(count, dtype=int)[:, i:i + 1], eta)


@claim('derived ("replacing ξ^{l,i} by ξ^l")', within=dict(nu=(2, 3), w=(1, 2), seed=SEEDS))
def every_iresnet_is_an_mg_iresnet(nu, w, seed):
    """ν iResNet steps with linear ξⁱ, ηⁱ of width w (no biases) equal ν steps with one linear ξ of
    width νw."""
    from stabkit.multigrid import iresnet_step
    log, rng = Transcript(), np.random.default_rng([seed, nu, w])
    xis = [integers(rng, w, w) for _ in range(nu)]
    etas = [integers(rng, w, w) for _ in range(nu)]
    one = _map(log, "X", np.hstack(xis))
    ours = theirs = log.give("f", integers(rng, w))
    shows = []
    for i, (xi, eta) in enumerate(zip(xis, etas, strict=True)):
        theirs = named(iresnet_step(_map(log, "Y", xi), _map(log, "H", eta))(theirs), "f")
        ours = named(iresnet_step(one, _map(log, "G", block(eta, i, nu)))(ours), "g")
        shows.append(f"{ours.text} == {theirs.text}")
    return Calculation(log.given, log.let, shows,
                       "ξ = [ξ¹, …, ξ^ν], and ηⁱ stands in block i with zeros elsewhere: as "
                       "σ(0) = 0, only ξⁱσηⁱσ is left in step i, for every f", necessary=True)


@claim("Lemma 8.2, eqs (7.8), (8.3), (8.4)", expect=REFUTED,
       within=dict(eta=("0", "1"), xi=("1", "1/2"), f=("0", "1")))
def resnet_is_sigma_resnet(eta, xi, f):
    """For (7.8), fⁱ = σ(fⁱ⁻¹ + ξσηfⁱ⁻¹), the quantities f̃ⁱ = fⁱ⁻¹ − ξσηfⁱ⁻¹ satisfy
    f̃ⁱ = σ(f̃ⁱ⁻¹) − ξσησ(f̃ⁱ⁻¹); here for numbers and i = 2."""
    return Calculation(
        dict(eta=eta, xi=xi, f=f),
        [RELU, ("f1", "relu(f + xi*relu(eta*f))"), ("t1", "f - xi*relu(eta*f)"),
         ("t2", "f1 - xi*relu(eta*f1)")], ["t2 == relu(t1) - xi*relu(eta*relu(t1))"],
        "(7.8) has + and (8.4) has −, so f¹ is not σ(f̃¹)", necessary=True)


def data(xi: Callable, eta: Callable, f: Any) -> Any:
    """f̃ = f − ξσηf."""
    return f - xi(np.maximum(eta(f), 0))


@claim("Lemma 8.2", within=dict(sign=("-", "+"), n=(1, 2, 3), seed=SEEDS))
def resnet_is_sigma_resnet_corrected(sign, n, seed):
    """For fⁱ = σ(fⁱ⁻¹ − ξσηfⁱ⁻¹), the quantities f̃ⁱ = fⁱ⁻¹ − ξσηfⁱ⁻¹ satisfy f̃ⁱ = σ(f̃ⁱ⁻¹) −
    ξσησ(f̃ⁱ⁻¹), i >= 2; likewise with + in all three.  ξ need not be linear."""
    from stabkit.multigrid import chain, negated, resnet_step, sigma_resnet_step
    log, rng = Transcript(), np.random.default_rng([seed, n])
    etas = _maps(log, "H", rng, 2, n + 1, n)
    xis = [chain(X, lambda v: v * v - 1) for X in _maps(log, "X", rng, 2, n, n + 1)]
    if sign == "+":
        xis = [negated(xi) for xi in xis]
    f = log.give("f", integers(rng, n))
    first = named(data(xis[0], etas[0], f), "t")
    f1 = named(resnet_step(xis[0], etas[0])(f), "f")
    second = data(xis[1], etas[1], f1)
    return Calculation(
        log.given, log.let, [f"{second.text} == {sigma_resnet_step(xis[1], etas[1])(first).text}"],
        "fⁱ⁻¹ = σ(f̃ⁱ⁻¹) by definition, whatever ξ and η are", necessary=True)


@claim("eq. (8.17)", weight="minor", expect=REFUTED, within=dict(x=INTEGERS))
def relu_identity(x):
    """ReLU(x) + ReLU(−x) = x for every real x."""
    return Calculation(dict(x=x), [RELU], ["relu(x) + relu(-x) == x"], "the sum is |x|",
                       necessary=True)


@claim("derived (eq. (8.17))", weight="minor")
def relu_identity_corrected():
    """ReLU(x) − ReLU(−x) = x for every real x."""
    return Calculation(dict(x=[-1, 0, 1]), [RELU], [SPLIT], SPLIT_BY, necessary=True)


def _recovered(sign: str, chi: Any, f: Any) -> Calculation:
    """σ(f) − ξσησ(f) = χσ(f) for η = [id; −id](χ − id), ξ[X; Y] = −X + sign Y."""
    n = len(f)
    return Calculation(
        dict(K=chi, f=f, x=[-1, 0, 1]),
        [RELU, ("v", "relu(f)"), ("y", f"(K - I({n})) @ v"),
         ("step", f"v - (-relu(y) {sign} relu(-y))")],
        ["step == K @ v", *([SPLIT] if sign == "+" else [])],
        "χ = K: η gives [y; −y], and ξ is applied to its positive parts" + (
            f"; {SPLIT_BY}.  With it the step is v + y for every K and f" if sign == "+" else ""),
            necessary=True)


@claim("eqs (8.12)–(8.22)", expect=REFUTED, within=dict(chi=INTEGERS, f=INTEGERS))
def printed_delta_hat_recovers_a_cnn(chi, f):
    """With ξ = δ̂, δ̂_k([X, Y]) = −([X]_k + [Y]_k), and η = [id, −id]∘(χ − id): σ(f) − ξσησ(f) =
    χσ(f) for every convolution χ and every f; here with one channel and one pixel."""
    return _recovered("-", [[chi]], [f])


@claim("derived (eqs (8.12)–(8.22))", within=dict(n=(1, 2, 3), seed=SEEDS))
def printed_delta_hat_recovers_a_cnn_corrected(n, seed):
    """With ξ = δ, δ_k([X, Y]) = −[X]_k + [Y]_k, the identity holds for every χ and every f."""
    rng = np.random.default_rng([seed, n])
    return _recovered("+", integers(rng, n, n), integers(rng, n))


@claim("Theorem 8.3", notion="existence", within=dict(n=(1, 2, 3), seed=SEEDS))
def every_cnn_is_an_mg_resnet(n, seed):
    """There is one linear ξ such that for every convolution χ (c → c channels, stride 1, with or
    without bias) some η gives χσ(f) = σ(f) − ξσησ(f) for all f; and likewise σχ(f) =
    σ(f − ξση(f)) for all f."""
    from stabkit.multigrid import resnet_step, sigma_resnet_step
    log, rng = Transcript(), np.random.default_rng([seed, n])
    one = fractions(np.eye(n, dtype=int))
    xi = _map(log, "X", np.hstack([-one, one]))
    K, f = log.give("K", integers(rng, n, n)), log.give("f", integers(rng, n))
    c, pair = log.give("c", integers(rng, n)), log.give("J", np.vstack([one, -one]))
    log.give("x", [-1, 0, 1])

    def eta(v: Any) -> Term:
        return named(pair @ (K @ v + c - v), "h")

    def chi(v: Any) -> Term:
        return K @ v + c

    log.let.append(list(RELU))
    relu = log.term("relu(f)")
    return Calculation(
        log.given, log.let,
        [SPLIT, f"{sigma_resnet_step(xi, eta)(f).text} == {chi(relu).text}",
         f"{resnet_step(xi, eta)(f).text} == {chi(f).call('relu').text}"],
        f"{SPLIT_BY}: ξ = [−id, id] takes σ of [y; −y] to −y, whatever y is; η(v) = [y; −y] with "
        "y = χ(v) − v", necessary=True)


@claim("Remark 8.4", notion="existence", expect=REFUTED, within=dict(channels=(1, 2)))
def every_cnn_is_an_mgnet(channels):
    """For some convolution χ a classic layer f ↦ χσ(f) is an MgNet step (8.1),
    f ↦ f − ξσησ(f), with suitable linear ξ, η.

    Where σ(f) = σ(g) the layer gives the same for f and g, but the step gives results that differ
    by f − g, whatever χ, ξ and η are.  For a σ that keeps every number ξ = id and η = id − χ would
    do."""
    given = dict(f=[-1] * channels, g=[-2] * channels, x=[-1, 0, 1],
                 K=fractions(np.eye(channels, dtype=int)) * 2)
    return AllOf([
        Calculation(given, [RELU], ["relu(f) != relu(g)"], "two different f and g; more channels "
                    "and pixels can hold 0 elsewhere", necessary=True),
        Calculation(given, [RELU], [
            "relu(x) == x", f"f - relu((I({channels}) - K) @ relu(f)) == K @ relu(f)"],
            "the step with ξ = id and η = id − χ, where σ is the identity")])


def activated(f: np.ndarray) -> np.ndarray:
    """Data >= 0."""
    return abs(f)


@claim("derived (Remark 8.4)", notion="existence", within=dict(n=(1, 2, 3), seed=SEEDS))
def every_cnn_is_an_mgnet_corrected(n, seed):
    """On data f >= 0, as after an activation, every classic layer f ↦ χσ(f) is the MgNet step (8.1)
    with ξ = [−id, id] and η = [id; −id](χ − id)."""
    rng = np.random.default_rng([seed, n])
    return Calculation(
        dict(K=integers(rng, n, n), f=activated(integers(rng, n)), x=[-1, 0, 1]),
        [RELU, ("y", f"(K - I({n})) @ relu(f)"), ("step", "f - (-relu(y) + relu(-y))")],
        [SPLIT, "step == K @ relu(f)"],
        f"{SPLIT_BY}; the step is f + (χ − id)σ(f), and σ(f) = f", necessary=True)
