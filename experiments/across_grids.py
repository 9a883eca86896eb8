"""haber2017, Section 5: coarse-to-fine training, and what the consistent transfer is worth.

A network of two layers with a least-squares classifier, trained by Gauss-Newton on images of two
grids.  Work is counted in propagations of the training set on the fine grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from experiments.measuring import SEEDS, compared, line
from stabkit.learning import (
    GALERKIN,
    REDISCRETISED,
    UNCHANGED,
    Record,
    ResidualNetwork,
    Training,
    coarse_model,
    load_digits,
    prolong_weights,
    pyramid,
    train_coarse_to_fine,
)

TRANSFERS = (GALERKIN, REDISCRETISED, UNCHANGED)
IMAGES, ROUNDS, SPREAD = 600, 4, 0.3
#: Digits interpolated to 16×16 pixels, which are smooth on their grid, and as they are on 12×12.
SETTINGS = {"smooth": dict(margin=0, refinements=1), "as they are": dict(margin=2, refinements=0)}


@dataclass(frozen=True)
class Outcome:
    """What one seed gave."""

    fine: float
    """Loss after training on the fine grid alone."""
    multilevel: float
    """Loss after as many rounds there, begun with the stencils of the coarse grid."""
    work: float
    """Until the loss of the fine grid alone was reached, over the work of that; inf if never."""
    starts: dict[str, float]
    """Losses on the fine grid with the stencils of the coarse one, by their transfer."""
    coarse: dict[str, float]
    """Accuracies on coarse images of the net for fine ones, by the transfer of its stencils."""


@cache
def outcomes(setting: str) -> tuple[Outcome, ...]:
    """One for every seed."""
    return tuple(_outcome(setting, seed) for seed in SEEDS)


def _outcome(setting: str, seed: int) -> Outcome:
    network, training = ResidualNetwork(), Training(rounds=ROUNDS)
    images, held_out = (pyramid(data, 2) for data in
                        load_digits(seed, training=IMAGES, **SETTINGS[setting]))
    theta = network.initial(seed, SPREAD)
    model, fine = training.run(network, theta, images[0], held_out[0], seed)
    models, both = train_coarse_to_fine(training, network, theta, images, held_out, seed)
    measured = Training(rounds=0)
    starts = {each.name: measured.run(network, prolong_weights(network, models[0].theta, each),
                                      images[0], held_out[0], seed)[1][0].loss
              for each in TRANSFERS}
    coarse = {each.name: coarse_model(model, each).accuracy(held_out[1]) for each in TRANSFERS}
    return Outcome(fine[-1].loss, both[-1].loss, _work(both, fine[-1]) / fine[-1].work, starts,
                   coarse)


def _work(records: list[Record], goal: Record) -> float:
    return next((r.work for r in records if r.shape == goal.shape and r.loss <= goal.loss),
                float("inf"))


def tables() -> list[str]:
    """Losses, work and transfers, on smooth digits and on digits as they are."""
    made = [f"digits of scikit-learn, {IMAGES} of them for training, {ROUNDS} rounds on a grid"]
    for setting in SETTINGS:
        found = outcomes(setting)
        made.append(f"{setting}: work of coarse to fine over that of the fine grid "
                    + ", ".join(f"{each.work:.2f}" for each in found))
        fine, multilevel = [r.fine for r in found], [r.multilevel for r in found]
        made += [line(f"  loss, {name}", values, 1000, "/ 1000") for name, values in
                 (("fine grid alone", fine), ("coarse to fine", multilevel))]
        made.append(compared("coarse to fine beside fine", multilevel, fine, 1000))
        made += [line(f"  loss to begin with, {each.name}", [r.starts[each.name] for r in found],
                      1000, "/ 1000") for each in TRANSFERS]
        made.append(compared("Galerkin beside unchanged", *(
            [r.starts[name] for r in found] for name in ("Galerkin", "unchanged")), 1000))
        made += [line(f"  coarse accuracy, {each.name}", [r.coarse[each.name] for r in found])
                 for each in TRANSFERS]
        made.append(compared("Galerkin beside unchanged", *(
            [r.coarse[name] for r in found] for name in ("Galerkin", "unchanged"))))
    return made
