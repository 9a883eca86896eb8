"""Coarse-to-fine training beside training on the fine grid alone, on handwritten digits.

    python examples/multilevel_digits.py [--seeds 0 1] [--rounds 6] [--images 1200]
                                         [--output FOLDER]

The comparison of Section 5 of haber2017, in the small: a residual network of two layers with a
least-squares classifier, trained by Gauss-Newton-CG; two grids.  It is made twice, with the digits
interpolated to 16×16 pixels, which are smooth on their grid, and with the digits as they are.
Needs scikit-learn (``pip install '.[learning]'``).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

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
SETTINGS = {"interpolated to 16×16 pixels": dict(margin=0, refinements=1),
            "12×12 pixels, as they are": dict(margin=2, refinements=0)}
SPREAD = 0.3  # of the random stencils
# Okabe and Ito's colours, told apart by colour-blind readers; the markers differ as well.
BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#666666"


@dataclass
class Outcome:
    """What one seed gave on one kind of images."""

    fine: list[Record]
    multilevel: list[Record]
    starts: dict[str, Record]
    coarse: dict[str, float]


def compare(seed: int, rounds: int, images: dict[str, int], watch: Callable[[Record], None]
            ) -> Outcome:
    """Train on the fine grid, and from coarse to fine; measure every start and coarse model."""
    network, training = ResidualNetwork(), Training(rounds=rounds)
    levels, held_out = (pyramid(data, 2) for data in load_digits(seed, **images))
    theta = network.initial(seed, SPREAD)
    model, fine = training.run(network, theta, levels[0], held_out[0], seed, watch=watch)
    models, multilevel = train_coarse_to_fine(training, network, theta, levels, held_out, seed,
                                              watch=watch)
    measured = Training(rounds=0)

    def start(weights: np.ndarray) -> Record:
        return measured.run(network, weights, levels[0], held_out[0], seed)[1][0]

    starts = {"random": fine[0], "random, prolonged": start(prolong_weights(network, theta))}
    starts |= {f"trained, {each.name}": start(prolong_weights(network, models[0].theta, each))
               for each in TRANSFERS}
    coarse = {f"fine one, {each.name}": coarse_model(model, each).accuracy(held_out[1])
              for each in TRANSFERS}
    coarse["trained on the coarse grid"] = models[0].accuracy(held_out[1])
    return Outcome(fine, multilevel, starts, coarse)


def work_to_reach(records: list[Record], loss: float) -> float | None:
    """The work after which the training loss on the fine grid is at most `loss`."""
    finest = records[-1].shape
    return next((r.work for r in records if r.shape == finest and r.loss <= loss), None)


# -- tables ----------------------------------------------------------------------------------------
def report(console: Console, setting: str, seeds: list[int], outcomes: list[Outcome]) -> None:
    """Print the comparison of one kind of images."""
    console.rule(setting)
    table = Table("seed", "training", "loss", "accuracy", "validation loss", "validation accuracy",
                  "work", "seconds", "work to the fine grid's last loss")
    for seed, outcome in zip(seeds, outcomes, strict=True):
        goal = outcome.fine[-1].loss
        for name, records in (("fine grid", outcome.fine), ("coarse to fine", outcome.multilevel)):
            last, needed = records[-1], work_to_reach(records, goal)
            table.add_row(str(seed), name, *row(last), f"{last.work:.0f}", f"{last.seconds:.1f}",
                          "not reached" if needed is None else f"{needed:.0f}")
    console.print(table)
    table = Table("stencils on the fine grid, before training there", "loss", "accuracy",
                  "validation loss", "validation accuracy", title="Means over the seeds")
    for name in outcomes[0].starts:
        rows = [outcome.starts[name] for outcome in outcomes]
        table.add_row(name, *(f"{mean(getattr(r, key) for r in rows):.4f}" for key in
                              ("loss", "accuracy", "validation_loss", "validation_accuracy")))
    console.print(table)
    table = Table("classifier of coarse images", "validation accuracy",
                  title="Means over the seeds")
    for name in outcomes[0].coarse:
        table.add_row(name, f"{mean(outcome.coarse[name] for outcome in outcomes):.4f}")
    console.print(table)


def row(record: Record) -> list[str]:
    """The four measurements of a record."""
    return [f"{value:.4f}" for value in (record.loss, record.accuracy, record.validation_loss,
                                         record.validation_accuracy)]


# -- curves ----------------------------------------------------------------------------------------
def draw(outcomes: dict[str, list[Outcome]], seeds: list[int], folder: Path) -> list[Path]:
    """Loss and validation accuracy over work, as PNG and SVG."""
    figure, axes = plt.subplots(2, len(outcomes), figsize=(5.4 * len(outcomes), 6.4),
                                sharex="col", squeeze=False, layout="constrained")
    for column, (setting, found) in zip(axes.T, outcomes.items(), strict=True):
        for number, outcome in enumerate(found):
            curves(column, outcome, labelled=number == 0)
        column[0].set_title(setting)
        column[1].set_xlabel("work (propagations of the training set on the fine grid)")
    axes[0, 0].set_ylabel("training loss")
    axes[1, 0].set_ylabel("validation accuracy")
    axes[0, 0].legend(frameon=False)
    figure.suptitle(f"Two-layer network on handwritten digits, seeds {', '.join(map(str, seeds))}")
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"multilevel_digits.{kind}" for kind in ("png", "svg")]
    for path in paths:
        figure.savefig(path, dpi=150)
    plt.close(figure)
    return paths


def curves(column: np.ndarray, outcome: Outcome, *, labelled: bool) -> None:
    """One seed's curves: the coarse part hollow, the fine part filled."""
    finest = outcome.fine[-1].shape
    coarse = [r for r in outcome.multilevel if r.shape != finest]
    refined = [r for r in outcome.multilevel if r.shape == finest]
    styles = [("fine grid alone", outcome.fine, BLUE, "s", BLUE, "-"),
              ("coarse to fine: coarse grid", coarse, VERMILION, "o", "white", ":"),
              ("coarse to fine: fine grid", refined, VERMILION, "o", VERMILION, "-")]
    for axis, key in zip(column, ("loss", "validation_accuracy"), strict=True):
        axis.axvline(coarse[-1].work, color=GREY, linestyle="--", linewidth=0.8,
                     label="change of grid" if labelled else None)
        for label, records, colour, marker, face, line in styles:
            axis.plot([r.work for r in records], [getattr(r, key) for r in records], line,
                      color=colour, marker=marker, markerfacecolor=face, markersize=4.5,
                      linewidth=1.2, label=label if labelled else None)
        axis.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--images", type=int, default=1200, help="for training; others validate")
    parser.add_argument("--output", type=Path, default=Path("."))
    options = parser.parse_args()
    console = Console()
    console.print(f"seeds {options.seeds}; for each: split, stencils, batches")
    outcomes: dict[str, list[Outcome]] = {setting: [] for setting in SETTINGS}
    total = len(SETTINGS) * len(options.seeds) * 3 * (options.rounds + 1)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("training", total=total)
        for setting, images in SETTINGS.items():
            for seed in options.seeds:
                progress.update(task, description=f"{setting}, seed {seed}")
                outcomes[setting].append(compare(
                    seed, options.rounds, images | {"training": options.images},
                    lambda record: progress.advance(task)))
    for setting, found in outcomes.items():
        report(console, setting, options.seeds, found)
    for path in draw(outcomes, options.seeds, options.output):
        console.print(f"wrote {path}")


if __name__ == "__main__":
    main()
