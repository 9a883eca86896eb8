"""Learning across scales (haber2017, Sections 4 and 5): from coarse images to fine ones, and back.

A stencil means something else on another grid.  A :class:`StencilTransfer` is the linear map from
fine to coarse stencils, s ↦ M s Mᵀ, and its inverse.  Biases, δ and μ do not depend on the grid;
the classification weights are those of an integral, so W_H = W_h P and W_h = W_H R.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stabkit.arithmetic.rational import fractions, solve
from stabkit.errors import InvalidArgument
from stabkit.learning.classifier import Classifier
from stabkit.learning.images import prolong_images, restrict_images
from stabkit.learning.labelled import Labelled
from stabkit.learning.network import ResidualNetwork
from stabkit.learning.training import Model, Record, Training, Watch, shift
from stabkit.operators.stencils import coarsening, rediscretisation


@dataclass(frozen=True, eq=False)
class StencilTransfer:
    """How 3×3 stencils change between a grid and the next coarser one.

    Attributes
    ----------
    name : str
    matrix : ndarray of Fraction, shape (3, 3)
        M, the map from fine to coarse stencils in one dimension.
    """

    name: str
    matrix: np.ndarray

    def coarsen(self, stencils: np.ndarray) -> np.ndarray:
        """The coarse stencils M s Mᵀ of fine ones, shape (..., 3, 3)."""
        return _along_both(self.matrix, stencils)

    def refine(self, stencils: np.ndarray) -> np.ndarray:
        """The only fine stencils with these coarse ones, shape (..., 3, 3)."""
        return _along_both(solve(self.matrix, np.eye(3, dtype=int)), stencils)


def _along_both(matrix: np.ndarray, stencils: np.ndarray) -> np.ndarray:
    if stencils.shape[-2:] != (3, 3):
        raise InvalidArgument(f"stencils: must have shape (..., 3, 3), got {stencils.shape}")
    exact = stencils.dtype == object
    matrix = matrix if exact else matrix.astype(stencils.dtype)
    return matrix @ stencils @ matrix.T


GALERKIN = StencilTransfer("Galerkin", coarsening(3))
REDISCRETISED = StencilTransfer("rediscretised", rediscretisation(2))
UNCHANGED = StencilTransfer("unchanged", fractions(np.eye(3, dtype=int)))


def prolong_weights(network: ResidualNetwork, theta: np.ndarray,
                    transfer: StencilTransfer = GALERKIN) -> np.ndarray:
    """The weights for the next finer grid, shape (network.size,)."""
    stencils, biases = network.unpack(theta)
    return network.pack(transfer.refine(stencils), biases)


def restrict_weights(network: ResidualNetwork, theta: np.ndarray,
                     transfer: StencilTransfer = GALERKIN) -> np.ndarray:
    """The weights for the next coarser grid, shape (network.size,)."""
    stencils, biases = network.unpack(theta)
    return network.pack(transfer.coarsen(stencils), biases)


def prolong_classifier(classifier: Classifier) -> Classifier:
    """W R: gives fine features the scores of their restriction."""
    return Classifier(prolong_images(classifier.weights) / 4, classifier.bias)


def restrict_classifier(classifier: Classifier) -> Classifier:
    """W P: gives coarse features the scores of their interpolation."""
    return Classifier(4 * restrict_images(classifier.weights), classifier.bias)


def coarse_model(model: Model, transfer: StencilTransfer = GALERKIN) -> Model:
    """A model for images on the next coarser grid, from the fine one without any training."""
    theta = restrict_weights(model.network, model.theta, transfer)
    return Model(model.network, theta, restrict_classifier(model.classifier))


def pyramid(data: Labelled, levels: int) -> list[Labelled]:
    """The images on `levels` grids, finest first.

    Full weighting smooths them before every second pixel is taken; no Gaussian comes before it.

    Raises
    ------
    InvalidArgument
        If a grid with odd sizes, or sizes below 4, would have to be coarsened.
    """
    if levels < 1:
        raise InvalidArgument(f"levels: must be at least 1, got {levels}")
    grids = [data]
    for _ in range(levels - 1):
        grids.append(grids[-1].restricted())
    return grids


def train_coarse_to_fine(training: Training, network: ResidualNetwork, theta: np.ndarray,
                         images: Sequence[Labelled], validation: Sequence[Labelled], seed: int, *,
                         transfer: StencilTransfer = GALERKIN, watch: Watch | None = None
                         ) -> tuple[list[Model], list[Record]]:
    """Algorithm 1 of haber2017: train on the coarsest grid, prolong the stencils, go on.

    Parameters
    ----------
    training : Training
        Its rounds are run on every grid.
    network : ResidualNetwork
    theta : ndarray, shape (network.size,)
        The weights to start from, on the coarsest grid.
    images, validation : sequence of Labelled
        Finest first, as :func:`pyramid` makes them.
    seed : int
        Of the batches.
    transfer : StencilTransfer
    watch : callable, optional
        Is given the records of every grid; work and time start there at 0.

    Returns
    -------
    models : list of Model
        One for each grid, coarsest first.
    records : list of Record
        Of all grids, coarsest first, with the work and the time since the beginning.
    """
    if not images or len(images) != len(validation):
        raise InvalidArgument("images, validation: must have one set per grid, got "
                              f"{len(images)} and {len(validation)}")
    finest = images[0].images.shape[1:]
    models: list[Model] = []
    records: list[Record] = []
    for level, (fitted, held_out) in enumerate(zip(images[::-1], validation[::-1], strict=True)):
        if level:
            theta = prolong_weights(network, theta, transfer)
        model, found = training.run(network, theta, fitted, held_out, seed + level, finest=finest,
                                    watch=watch)
        theta = model.theta
        models.append(model)
        records += shift(found, records[-1]) if records else found
    return models, records
