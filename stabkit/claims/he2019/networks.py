"""ResNet, iResNet and classic networks as forms of MgNet (Sections 7 and 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stabkit import fluxes
from stabkit.aliases import Matrix, Scalar, Signal
from stabkit.arithmetic.rational import fractions
from stabkit.arithmetic.transcript import Term, Transcript, named
from stabkit.claims.claim import claim
from stabkit.claims.he2019.convolutions import RELU, SPLIT, SPLIT_BY
from stabkit.claims.he2019.matrices import integers
from stabkit.classes import AnyMap, AnyOperator, AnyVector, ForExamples, OneOf, Relu, signal
from stabkit.operators import from_matrix
from stabkit.stability.property import AllOf, Calculation, Example, Identity
from stabkit.stability.verdict import REFUTED

SEEDS = (1, 2, 3)
INTEGERS = ("0", "1", "-1", "2", "-2")


def _map(log: Transcript, name: str, matrix: Matrix) -> Callable[[Any], Term]:
    given = log.give(name, matrix)
    return lambda f: named(given @ f, name.lower())


def _maps(log: Transcript, name: str, rng: np.random.Generator, count: int, *shape: int) -> list:
    return [_map(log, f"{name}{i}", integers(rng, *shape)) for i in range(1, count + 1)]


#: Maps from data f to features u, and back.
XI, DATA = from_matrix([[1, -2, 0], [3, 1, -1]]), dict(sigma=(fluxes.relu(),), f=((2, -3),))
ANY_DATA = dict(sigma=Relu(), f=AnyVector())
EXAMPLES = dict(n=(1, 2, 3), seed=SEEDS)
ANY_EXAMPLES = dict(n=ForExamples(), seed=ForExamples())


def of(matrix: list) -> Callable[[Any], Any]:
    """A map that is not linear."""
    M = from_matrix(matrix)
    return lambda v: abs(M @ v) - 1


@claim("Theorem 8.1", within=dict(xi=(XI,), eta=(of([[1, 2], [0, -1], [1, 1]]),), u=((1, 0, 4),),
                                  **DATA, **EXAMPLES),
       for_all=dict(xi=AnyOperator("M", "N"), eta=AnyMap("N", "M"), u=AnyVector("M"), **ANY_DATA,
                    **ANY_EXAMPLES))
def mgnet_is_iresnet(xi, eta, u, sigma, f, n, seed):
    """For A = ξ linear (no bias) and B^{l,i} = σ∘ηⁱ∘σ, fⁱ = f − ξ(uⁱ) satisfies fⁱ = fⁱ⁻¹ −
    ξσηⁱσ(fⁱ⁻¹): MgNet on one grid is an iResNet with one ξ."""
    from stabkit.multigrid import iresnet_step, mg_features

    def linear(v: Signal) -> Any:
        return xi @ v

    step = Identity(lambda f, u: f - linear(mg_features((eta,), sigma)(linear, f, u)[1]),
                    lambda f, u: iresnet_step(linear, eta, sigma)(f - linear(u)), dict(f=f, u=u),
                    "a step from any u = uⁱ⁻¹")
    return AllOf([step, Example(lambda: _two_layers(n, seed))])


def _two_layers(n: int, seed: int) -> Calculation:
    # Imported here, because claims must load quickly.
    from stabkit.multigrid import iresnet_step, mg_features
    log, rng = Transcript(), np.random.default_rng([seed, n])
    xi, *_ = _maps(log, "X", rng, 1, n, n + 1)
    etas = _maps(log, "H", rng, 2, n + 1, n)
    f, u = log.give("f", integers(rng, n)), log.give("u", integers(rng, n + 1))
    data = [named(f - xi(v), "f") for v in mg_features(tuple(etas))(xi, f, u)]
    shows = [new.equals(iresnet_step(xi, eta)(old))
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
        shows.append(ours.equals(theirs))
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


def data(xi: Callable, eta: Callable, f: Signal) -> Signal:
    """f̃ = f − ξσηf."""
    return f - xi(np.maximum(eta(f), 0))


@claim("Lemma 8.2",
       within=dict(sign=("-", "+"), xi=(of([[1, -2, 0], [3, 1, -1]]),), eta=(of([[1, 2], [0, -1],
                   [1, 1]]),), before=(of([[2, 1], [-1, 1]]),), **DATA, **EXAMPLES),
       for_all=dict(sign=OneOf("-", "+"), xi=AnyMap("M", "N"), eta=AnyMap("N", "M"),
                    before=AnyMap(), **ANY_DATA, **ANY_EXAMPLES))
def resnet_is_sigma_resnet_corrected(sign, xi, eta, before, sigma, f, n, seed):
    """For fⁱ = σ(fⁱ⁻¹ − ξσηfⁱ⁻¹), the quantities f̃ⁱ = fⁱ⁻¹ − ξσηfⁱ⁻¹ satisfy f̃ⁱ = σ(f̃ⁱ⁻¹) −
    ξσησ(f̃ⁱ⁻¹), i >= 2; likewise with + in all three.  ξ need not be linear."""
    from stabkit.multigrid import chain, negated, resnet_step, sigma_resnet_step
    inner = negated(xi) if sign == "+" else xi

    def tilde(f: Signal) -> Any:
        return f - before(f)  # `before` is ξση of the step before, with its sign

    same = Identity(
        lambda f: resnet_step(inner, eta, sigma).skip(sigma(tilde(f))) - chain(eta, sigma, inner)(
            sigma(tilde(f))), lambda f: sigma_resnet_step(inner, eta, sigma)(tilde(f)), dict(f=f),
        "fⁱ⁻¹ = σ(f̃ⁱ⁻¹) by definition, whatever ξ and η are")
    return AllOf([same, Example(lambda: _two_steps(sign, n, seed))])


def _two_steps(sign: str, n: int, seed: int) -> Calculation:
    from stabkit.multigrid import chain, negated, resnet_step, sigma_resnet_step
    log, rng = Transcript(), np.random.default_rng([seed, n])
    etas = _maps(log, "H", rng, 2, n + 1, n)
    xis: list[Any] = [chain(X, lambda v: v * v - 1) for X in _maps(log, "X", rng, 2, n, n + 1)]
    if sign == "+":
        xis = [negated(xi) for xi in xis]
    f = log.give("f", integers(rng, n))
    first = named(data(xis[0], etas[0], f), "t")
    f1 = named(resnet_step(xis[0], etas[0])(f), "f")
    second = data(xis[1], etas[1], f1)
    return Calculation(
        log.given, log.let, [second.equals(sigma_resnet_step(xis[1], etas[1])(first))],
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


def _recovery(sign: str, chi: Signal, f: Signal) -> Calculation:
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
    return _recovery("-", [[chi]], [f])


def split(y: Any) -> tuple[Any, Any]:
    """[id; −id] y, in two channels."""
    return y, -y


def difference_of(pair: tuple[Any, Any]) -> Any:
    """ξ = [−id, id]."""
    return pair[1] - pair[0]


def _in_channels(sigma: Scalar) -> Callable[[Any], Any]:
    return lambda x: tuple(map(sigma, x)) if isinstance(x, tuple) else sigma(x)


def _recovers(chi: Signal, sigma: Scalar, f: Signal) -> AllOf:
    """χσ(f) = σ(f) − ξσησ(f), and χ(f) = f − ξση(f), for η = [id; −id](χ − id)."""
    from stabkit.multigrid import sigma_resnet_step

    def eta(v: Signal) -> tuple[Any, Any]:
        return split(chi(v) - v)

    both = _in_channels(sigma)
    step = sigma_resnet_step(difference_of, eta, both)
    return AllOf([
        Identity(lambda f: step(f), lambda f: chi(sigma(f)), dict(f=f), "σ(y) − σ(−y) = y"),
        Identity(lambda f: f - difference_of(both(eta(f))), lambda f: chi(f), dict(f=f),
                 "of which σ is taken on both sides")])


CHI = dict(chi=(of([[1, 2], [-1, 3]]), of([[0, 0], [0, 0]])), **DATA)
ANY_CHI = dict(chi=AnyMap(), **ANY_DATA)


@claim("derived (eqs (8.12)–(8.22))", within={**CHI, **EXAMPLES}, for_all={**ANY_CHI,
                                                                         **ANY_EXAMPLES})
def printed_delta_hat_recovers_a_cnn_corrected(chi, sigma, f, n, seed):
    """With ξ = δ, δ_k([X, Y]) = −[X]_k + [Y]_k, the identity holds for every χ and every f."""
    def example() -> Calculation:
        rng = np.random.default_rng([seed, n])
        return _recovery("+", integers(rng, n, n), integers(rng, n))

    return AllOf([_recovers(chi, sigma, f), Example(example)])


@claim("Theorem 8.3", notion="existence", within={**CHI, **EXAMPLES}, for_all={**ANY_CHI,
                                                                             **ANY_EXAMPLES})
def every_cnn_is_an_mg_resnet(chi, sigma, f, n, seed):
    """There is one linear ξ such that for every convolution χ (c → c channels, stride 1, with or
    without bias) some η gives χσ(f) = σ(f) − ξσησ(f) for all f; and likewise σχ(f) =
    σ(f − ξση(f)) for all f.  It is ξ = [−id, id], for every map χ."""
    return AllOf([_recovers(chi, sigma, f), Example(lambda: _with_one_xi(n, seed))])


def _with_one_xi(n: int, seed: int) -> Calculation:
    from stabkit.multigrid import resnet_step, sigma_resnet_step
    log, rng = Transcript(), np.random.default_rng([seed, n])
    one = fractions(np.eye(n, dtype=int))
    xi = _map(log, "X", np.hstack([-one, one]))
    K, f = log.give("K", integers(rng, n, n)), log.give("f", integers(rng, n))
    c, pair = log.give("c", integers(rng, n)), log.give("J", np.vstack([one, -one]))
    log.give("x", [-1, 0, 1])

    def eta(v: Signal) -> Term:
        return named(pair @ (K @ v + c - v), "h")

    def chi(v: Signal) -> Term:
        return K @ v + c

    log.let.append(list(RELU))
    relu = log.term("relu(f)")
    return Calculation(
        log.given, log.let,
        [SPLIT, sigma_resnet_step(xi, eta)(f).equals(chi(relu)),
         resnet_step(xi, eta)(f).equals(chi(f).call("relu"))],
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


def activate(f: np.ndarray) -> np.ndarray:
    """Data >= 0."""
    return abs(f)


@claim("derived (Remark 8.4)", notion="existence",
       within=dict(chi=(from_matrix([[1, -2], [3, 0]]),), relu=(fluxes.relu(),), g=(1,),
                   n=(1, 2, 3), seed=SEEDS),
       for_all=dict(chi=AnyOperator("N", "N"), relu=Relu(), g=AnyVector(), n=ForExamples(),
                    seed=ForExamples()))
def every_cnn_is_an_mgnet_corrected(chi, relu, g, n, seed):
    """On data f >= 0, as after an activation, every classic layer f ↦ χσ(f) is the MgNet step (8.1)
    with ξ = [−id, id] and η = [id; −id](χ − id).

    For all f = σ(g), which are all f >= 0."""
    given = dict(g=signal(g, chi.shape[1], lambda rng, size: integers(rng, size)))

    def step(g):
        f = relu(g)
        y = chi @ relu(f) - relu(f)
        return f - (-relu(y) + relu(-y))

    return AllOf([Identity(step, lambda g: chi @ relu(relu(g)), given, "χσ(f)"),
                  Example(lambda: _is_an_mgnet(n, seed))])


def _is_an_mgnet(n, seed):
    rng = np.random.default_rng([seed, n])
    return Calculation(
        dict(K=integers(rng, n, n), f=activate(integers(rng, n)), x=[-1, 0, 1]),
        [RELU, ("y", f"(K - I({n})) @ relu(f)"), ("step", "f - (-relu(y) + relu(-y))")],
        [SPLIT, "step == K @ relu(f)"],
        f"{SPLIT_BY}; the step is f + (χ − id)σ(f), and σ(f) = f", necessary=True)
