"""All statements judged together: p-values with Holm's correction.

A statement about several comparisons has the largest p-value of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

from experiments import across_grids, certificates, denoising, mgnet_beside_resnet, three_networks
from experiments.measuring import holm, p_value

MARGIN, LESS = 0.03, -0.01  # in accuracy: what is comparable, and what is nearly as good


def p_values() -> Iterator[tuple[str, float]]:
    """Every statement with its p-value, by itself."""
    yield from _networks()
    yield from _grids()
    yield from _mgnet()
    for kind in denoising.SETTINGS:
        monotone, falling = (denoising.of_family(kind, family) for family in denoising.FAMILIES)
        yield f"nonmonotone fluxes denoise {kind} better", p_value(monotone, falling)
    free, certified = certificates.outcomes(False), certificates.outcomes(True)
    yield ("a certified net withstands attacks of norm 1 better",
           p_value(certified["attack 1.0"], free["attack 1.0"]))


def _networks() -> Iterator[tuple[str, float]]:
    found = {kind: [three_networks.accuracies(kind, share) for share in three_networks.SHARES]
             for kind in three_networks.KINDS}
    last = [each[-1] for each in found.values()]
    yield "the three networks are comparable", max(
        max(p_value(one, two, -MARGIN), p_value(two, one, -MARGIN))
        for one, two in combinations(last, 2))
    yield "80 % of the data are better than 10 %", max(
        p_value(each[-1], each[0]) for each in found.values())
    yield "every doubling of the data helps", max(
        p_value(more, less) for each in found.values() for less, more in pairwise(each))


def _grids() -> Iterator[tuple[str, float]]:
    found = {setting: across_grids.outcomes(setting) for setting in across_grids.SETTINGS}
    yield "coarse to fine ends lower", max(
        p_value([r.fine for r in each], [r.multilevel for r in each]) for each in found.values())
    for setting, each in found.items():
        reached = all(r.work < float("inf") for r in each)
        yield (f"coarse to fine saves work, digits {setting}",
               p_value([1.0] * len(each), [r.work for r in each]) if reached else 1.0)
    for what, measure, larger, smaller in (
            ("begins lower", "starts", "unchanged", "Galerkin"),
            ("classifies coarse images better", "coarse", "Galerkin", "unchanged")):
        yield f"the consistent transfer {what}", max(p_value(*(
            [getattr(r, measure)[name] for r in each] for name in (larger, smaller)))
            for each in found.values())


def _mgnet() -> Iterator[tuple[str, float]]:
    pairs = [mgnet_beside_resnet.accuracies(pair) for pair in mgnet_beside_resnet.PAIRS]
    for what, by in (("nearly as good", LESS), ("better", 0.0)):
        yield f"MgNet is {what} with fewer weights", max(
            p_value(one, two, by) for one, two in pairs)


def tables() -> list[str]:
    """p-values by themselves and after Holm's correction."""
    names, values = zip(*p_values(), strict=True)
    return [f"  {name:52s} p {value:8.2g}  together {corrected:8.2g}"
            for name, value, corrected in zip(names, values, holm(values), strict=True)]
