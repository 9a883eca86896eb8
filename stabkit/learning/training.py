"""Training on one grid: classifier and stencils in turn, as in Section 5 of haber2017.

One round takes a few Gauss-Newton steps for the stencils and biases on a random batch, with the
classifier fixed, and then fits the classifier anew on all samples.  Work is counted in propagations
of the whole training set through the network on the finest grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import cast

import numpy as np

from stabkit.errors import InvalidArgument
from stabkit.learning.classifier import Classifier, LeastSquares, Loss, fit
from stabkit.learning.gauss_newton import Expansion, GaussNewton, Minimum
from stabkit.learning.labelled import Labelled
from stabkit.learning.network import Linearisation, ResidualNetwork


@dataclass(frozen=True, eq=False)
class Model:
    """A network with its weights and a classifier of its features."""

    network: ResidualNetwork
    theta: np.ndarray
    classifier: Classifier

    def scores(self, images: np.ndarray) -> np.ndarray:
        """The scores of images (samples, rows, columns), shape (samples, classes)."""
        return self.classifier(self.network(self.theta, self.network.open(images)))

    def accuracy(self, data: Labelled) -> float:
        """The fraction of images that are classified correctly."""
        return float((self.scores(data.images).argmax(axis=1) == data.labels).mean())


@dataclass(frozen=True, eq=False)
class WeightObjective:
    """Loss and (decay/2)|θ|² as a function of the network's weights, with the classifier fixed.

    Attributes
    ----------
    start : ndarray, shape (samples, channels, rows, columns)
        Y₀.
    targets : ndarray, shape (samples, classes)
    """

    network: ResidualNetwork
    classifier: Classifier
    loss: Loss
    start: np.ndarray
    targets: np.ndarray
    decay: float

    def value(self, theta: np.ndarray) -> float:
        """The objective at θ."""
        return self._value(theta, self.classifier(self.network(theta, self.start)))

    def expand(self, theta: np.ndarray) -> Expansion:
        """The objective near θ, with H = JᵀWᵀ∇²ℓ W J + decay · I."""
        near = self.network.linearise(theta, self.start)
        scores = self.classifier(near.features)
        slope = self._pull_back(near, self.loss.gradient(scores, self.targets))

        def product(v: np.ndarray) -> np.ndarray:
            moved = self.classifier.linear(near.forward(v))
            return self._pull_back(near, self.loss.curvature(scores, moved)) + self.decay * v

        return Expansion(self._value(theta, scores), slope + self.decay * theta, product)

    def _value(self, theta: np.ndarray, scores: np.ndarray) -> float:
        return self.loss.value(scores, self.targets) + self.decay / 2 * float(theta @ theta)

    def _pull_back(self, near: Linearisation, scores: np.ndarray) -> np.ndarray:
        return near.adjoint(self.classifier.adjoint(scores))


@dataclass(frozen=True)
class Record:
    """The state of a training after one round.

    Loss (without regularisation) and accuracy are those on the training and the validation set.

    Attributes
    ----------
    shape : (int, int)
        The grid.
    round : int
        0 before the first round on this grid, when only the classifier is fitted.
    work : float
        Propagations of the whole training set on the finest grid, up to now.
    seconds : float
        Time of training, without the measurements recorded here.
    """

    shape: tuple[int, int]
    round: int
    work: float
    seconds: float
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float


Watch = Callable[[Record], None]


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Parameters
    ----------
    rounds : int
        Rounds on every grid.
    batch : int
        Images in the batch of a round; all of them if there are fewer.
    loss : Loss
    ridge, decay : float
        Regularisation of the classifier and of the network's weights.
    method : GaussNewton
        For the network's weights.
    """

    rounds: int = 10
    batch: int = 400
    loss: Loss = field(default_factory=LeastSquares)
    ridge: float = 0.1
    decay: float = 0.01
    method: GaussNewton = field(default_factory=GaussNewton)

    def __post_init__(self) -> None:
        for name, least in (("rounds", 0), ("batch", 1)):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < least:
                raise InvalidArgument(f"{name}: must be an integer >= {least}, got "
                                      f"{getattr(self, name)!r}")
        for name in ("ridge", "decay"):
            if not getattr(self, name) > 0:
                raise InvalidArgument(f"{name}: must be positive, got {getattr(self, name)}")

    def run(self, network: ResidualNetwork, theta: np.ndarray, training: Labelled,
            validation: Labelled, seed: int, *, finest: tuple[int, int] | None = None,
            watch: Watch | None = None) -> tuple[Model, list[Record]]:
        """Train from the weights `theta`.

        Parameters
        ----------
        network : ResidualNetwork
        theta : ndarray, shape (network.size,)
        training, validation : Labelled
        seed : int
            Of the batches.
        finest : (int, int), optional
            The grid whose propagations are the unit of work; that of the images by default.
        watch : callable, optional
            Is given every record as soon as there is one.

        Returns
        -------
        model : Model
        records : list of Record
            ``rounds + 1`` of them.
        """
        finest = finest or training.images.shape[1:]
        meter = _Meter(network, training, validation, finest, self.loss)
        rng = np.random.default_rng(seed)
        model: Model | None = None  # of the previous round
        records: list[Record] = []
        for number in range(self.rounds + 1):
            began = perf_counter()
            if model is not None:
                found, used = self._weights(model, training, rng)
                theta = found.x
                meter.spend(found, used)
            model = self._fit(network, theta, training, model)
            meter.seconds += perf_counter() - began
            meter.work += meter.unit  # the features that the classifier is fitted to
            records.append(meter.record(model, number))
            if watch is not None:
                watch(records[-1])
        return cast(Model, model), records

    def _weights(self, model: Model, training: Labelled, rng: np.random.Generator
                 ) -> tuple[Minimum, int]:
        chosen = rng.permutation(len(training))[:self.batch]
        batch = training.sample(chosen)
        objective = WeightObjective(model.network, model.classifier, self.loss,
                                    model.network.open(batch.images), batch.targets, self.decay)
        return self.method.minimise(objective, model.theta), len(chosen)

    def _fit(self, network: ResidualNetwork, theta: np.ndarray, training: Labelled,
             before: Model | None) -> Model:
        features = network(theta, network.open(training.images))
        start = None if before is None else before.classifier
        return Model(network, theta, fit(self.loss, features, training.targets, self.ridge, start))


@dataclass
class _Meter:
    """Counts the work and the time of a training, and measures its models."""

    network: ResidualNetwork
    training: Labelled
    validation: Labelled
    finest: tuple[int, int]
    loss: Loss
    work: float = 0.0
    seconds: float = 0.0

    @property
    def unit(self) -> float:
        """One propagation of the whole training set on this grid."""
        rows, columns = self.training.images.shape[1:]
        return rows * columns / (self.finest[0] * self.finest[1])

    def spend(self, found: Minimum, samples: int) -> None:
        """Add the work of a Gauss-Newton method on a batch.

        Jv and Jᵀw take two convolutions per layer, but one in the first layer.
        """
        product = 2 - 1 / self.network.layers
        propagations = found.evaluations + found.expansions * (1 + product) \
            + found.products * 2 * product
        self.work += propagations * self.unit * samples / len(self.training)

    def record(self, model: Model, number: int) -> Record:
        """The model's loss and accuracy on both sets."""
        measured = []
        for data in (self.training, self.validation):
            scores = model.scores(data.images)
            measured += [self.loss.value(scores, data.targets),
                         float((scores.argmax(axis=1) == data.labels).mean())]
        return Record(self.training.images.shape[1:], number, self.work, self.seconds, *measured)


def shift(records: list[Record], last: Record) -> list[Record]:
    """The records of a training that goes on after `last`, with its work and time added."""
    return [replace(record, work=record.work + last.work, seconds=record.seconds + last.seconds)
            for record in records]
