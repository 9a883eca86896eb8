"""One implicit Perona-Malik step on a photograph and on an electrocardiogram, by multigrid.

    python examples/implicit_image.py [--noise 15] [--tau 1/2] [--contrast 60] [--output FOLDER]

The photograph (Grace Hopper, grey values 0 … 255, shipped with Matplotlib) gets seeded noise; the
electrocardiogram (PyWavelets' ``ecg``) is taken as recorded.  Prints the residuals of the nonlinear
equation (after solve 1 … 10, then every tenth) with the multigrid cycles taken, and draws both.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pywt
from matplotlib.cbook import get_sample_data
from rich.console import Console
from rich.table import Table

from stabkit import fluxes
from stabkit.multigrid import ImplicitStep, implicit_diffusion

SEED = 0
GREY_WEIGHTS = (0.299, 0.587, 0.114)  # of red, green and blue
# Okabe and Ito's colours, told apart by colour-blind readers; the lines differ as well.
BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#999999"


def photograph() -> np.ndarray:
    """The grey picture, shape (600, 512)."""
    with get_sample_data("grace_hopper.jpg") as file:
        return plt.imread(file, format="jpg").astype(float) @ np.array(GREY_WEIGHTS)


def history(console: Console, name: str, given: np.ndarray, step: ImplicitStep) -> None:
    """Print the residuals of a step, and what it did."""
    table = Table("linear solve", "residual / |u|", "reduction", "cycles",
                  title=f"{name}, {' x '.join(map(str, given.shape))}")
    scale = np.linalg.norm(given)
    table.add_row("0", f"{step.residuals[0] / scale:.2e}", "", "")
    pairs = zip(step.residuals, step.residuals[1:], step.inner, strict=False)
    for number, (before, after, inner) in enumerate(pairs, 1):
        if number > 10 and number % 10 and number != len(step.inner):
            continue
        table.add_row(str(number), f"{after / scale:.2e}", f"{after / before:.3f}",
                      str(len(inner) - 1))
    console.print(table)
    console.print(f"converged: {step.converged}; {len(step.inner)} solves, {step.cycles} cycles, "
                  f"{step.hierarchies} hierarchies; range {given.min():.2f} … {given.max():.2f} -> "
                  f"{step.u.min():.2f} … {step.u.max():.2f}; mean {given.mean():.8f} -> "
                  f"{step.u.mean():.8f}")


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, for grey values up to 255."""
    return 10 * np.log10(255**2 / np.mean((image - truth) ** 2))


def draw(noisy: np.ndarray, image: ImplicitStep, signal: np.ndarray, heart: ImplicitStep,
         folder: Path) -> list[Path]:
    """The picture, the signal and both residual histories, as PNG and SVG."""
    figure, axes = plt.subplot_mosaic([["noisy", "step"], ["ecg", "residual"]], figsize=(10, 9),
                                      height_ratios=(2, 1), layout="constrained")
    for name, values, title in (("noisy", noisy, "photograph with noise"),
                                ("step", image.u, "after one implicit Perona–Malik step")):
        axes[name].imshow(values, cmap="gray", vmin=0, vmax=255)
        axes[name].set_title(title)
        axes[name].axis("off")
    axes["ecg"].plot(signal, color=GREY, linewidth=1.6, label="as recorded")
    axes["ecg"].plot(heart.u, color=VERMILION, linewidth=0.9, label="after one step")
    axes["ecg"].set(title="electrocardiogram", xlabel="sample", xlim=(0, 400))
    axes["ecg"].legend(frameon=False)
    for step, given, colour, line, name in ((image, noisy, BLUE, "-", "photograph"),
                                            (heart, signal, VERMILION, "--", "ECG")):
        axes["residual"].semilogy(np.array(step.residuals) / np.linalg.norm(given), line,
                                  color=colour, marker=".", label=name)
    axes["residual"].set(title="residual of the nonlinear equation, relative to ‖u‖",
                         xlabel="linear solves")
    axes["residual"].legend(frameon=False)
    for name in ("ecg", "residual"):
        axes[name].spines[["top", "right"]].set_visible(False)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"implicit_image.{kind}" for kind in ("png", "svg")]
    for path in paths:
        figure.savefig(path, dpi=130)
    plt.close(figure)
    return paths


def main() -> None:
    """Make both steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--noise", type=float, default=15.0)
    parser.add_argument("--tau", default="1/2")
    parser.add_argument("--contrast", default="60")
    parser.add_argument("--tolerance", type=float, default=1e-8)
    parser.add_argument("--output", type=Path, default=Path("."))
    options = parser.parse_args()
    console, truth = Console(), photograph()
    noisy = truth + options.noise * np.random.default_rng(SEED).standard_normal(truth.shape)
    flux = fluxes.perona_malik(options.contrast)
    image = implicit_diffusion(noisy, flux, options.tau, tolerance=options.tolerance)
    history(console, "photograph", noisy, image)
    console.print(f"PSNR {psnr(noisy, truth):.2f} dB -> {psnr(image.u, truth):.2f} dB "
                  f"(noise {options.noise:g}, seed {SEED})")
    signal = np.asarray(pywt.data.ecg(), dtype=float)
    heart = implicit_diffusion(signal, flux, options.tau, tolerance=options.tolerance)
    history(console, "ECG", signal, heart)
    for path in draw(noisy, image, signal, heart, options.output):
        console.print(f"wrote {path}")


if __name__ == "__main__":
    main()
