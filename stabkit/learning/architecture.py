"""The full networks of ruthotto2018, Section 5: described, built, counted and run forward.

Opening layer (3×3 convolution, batch normalisation, ReLU); then blocks of a few time steps of one
of the three dynamics, each followed by a connector (1×1 convolution, batch normalisation, ReLU,
average pooling by two); the mean of every channel; a fully connected classifier.  The text names
connectors between the blocks and one that widens the last features; the printed numbers of weights
need a connector after the last block of every network, which keeps the number of channels unless
the text says otherwise.  Whether it pools does not matter, as the mean of every channel follows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import numpy as np

from stabkit.aliases import Array, Rational, Signal
from stabkit.arithmetic.backend import namespace, within_memory
from stabkit.errors import InvalidArgument
from stabkit.fluxes import relu
from stabkit.fluxes.flux import Flux
from stabkit.learning.classifier import Classifier
from stabkit.learning.images import adjoint, as_images, correlate
from stabkit.learning.normalisation import (
    BatchStatistics,
    Map,
    Normalisation,
    PixelVariation,
    fresh,
)
from stabkit.multigrid import parameters
from stabkit.operators import DIRICHLET, Boundary, Convolution, LinearMap
from stabkit.schemes import (
    ForwardEuler,
    LayerNormalisation,
    Leapfrog,
    SymmetricLayer,
    Verlet,
    halves,
)

Step = ForwardEuler | Verlet | Leapfrog


@dataclass(frozen=True, eq=False)
class ImageConvolution(LinearMap):
    """K on flattened images, one channel after the other, by its stencils and without a matrix.

    Attributes
    ----------
    kernel : ndarray, shape (channels, channels, 3, 3)
    grid : (int, int)
        Rows and columns.
    boundary : Boundary
        ``DIRICHLET`` or ``PERIODIC``.
    """

    kernel: np.ndarray
    grid: tuple[int, int]
    boundary: Boundary = DIRICHLET

    def __post_init__(self) -> None:
        pixels, (c_out, c_in) = self.grid[0] * self.grid[1], self.kernel.shape[:2]
        object.__setattr__(self, "shape", (c_out * pixels, c_in * pixels))

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return self.kernel.size

    @property
    def T(self) -> ImageConvolution:
        """The adjoint."""
        return ImageConvolution(adjoint(self.kernel), self.grid, self.boundary)

    def __matmul__(self, y: Signal) -> Array:
        xp = namespace(y)
        images = xp.reshape(y, (y.shape[0], self.kernel.shape[1], *self.grid))
        return xp.reshape(correlate(self.kernel, images, self.boundary),
                          (y.shape[0], self.shape[0]))

    def exact(self) -> np.ndarray:
        """The matrix, in fractions."""
        return Convolution(self.kernel, boundary=self.boundary).matrix(self.grid).exact()


@dataclass(frozen=True, eq=False)
class FlatNormalisation(LayerNormalisation):
    """A normalisation on flattened images."""

    images: Normalisation
    grid: tuple[int, int]

    def lengths(self, u: Signal, size: int) -> None:
        """None: nothing is kept."""

    def apply(self, u: Signal, lengths: None, size: int) -> Signal:
        """The normalisation of u, shape (samples, size)."""
        reshape = namespace(u).reshape
        return reshape(self.images(reshape(u, (u.shape[0], -1, *self.grid))), u.shape)

    def jacobian(self, u: Signal, lengths: None, size: int) -> Signal:
        """Refused: the images of a batch may depend on each other."""
        raise InvalidArgument("normalisation: that of images has no Jacobian matrix here; take a "
                              "SymmetricLayer with TotalVariation")


def image_layer(kernel: np.ndarray, normalisation: Normalisation, activation: Flux,
                grid: tuple[int, int], boundary: Boundary = DIRICHLET) -> SymmetricLayer:
    """F(y) = −Kᵀσ(N(K y))  (7) on flattened images of the size `grid`."""
    return SymmetricLayer(ImageConvolution(kernel, grid, boundary), activation,
                          FlatNormalisation(normalisation, grid))


@dataclass(frozen=True, eq=False)
class TimeSteps:
    """Steps of one dynamics on images; `second_order` ones start with Y₋₁ = Y₀."""

    steps: tuple[Step, ...]
    second_order: bool = False

    def __call__(self, images: Signal) -> Signal:
        reshape = namespace(images).reshape
        state, first = reshape(images, (images.shape[0], -1)), self.steps[0]
        if self.second_order and isinstance(first, Leapfrog):
            state = first.start(state)
        for step in self.steps:
            state = step.step(state)
        if self.second_order:
            state, _ = halves(state, state.shape[1] // 2)
        return reshape(state, images.shape)


@dataclass(frozen=True, eq=False)
class Widening:
    """Convolution, normalisation, activation, and pooling by two if asked for."""

    kernel: np.ndarray
    normalisation: Normalisation
    activation: Flux
    pooled: bool = False

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return self.kernel.size + self.normalisation.parameters

    def __call__(self, images: Signal) -> Signal:
        z = self.activation(self.normalisation(correlate(self.kernel, images, DIRICHLET)))
        return average_pooling(z) if self.pooled else z


def average_pooling(images: Signal) -> Array:
    """The means over 2×2 pixels."""
    samples, channels, rows, columns = images.shape
    if rows % 2 or columns % 2:
        raise InvalidArgument(f"images: rows and columns must be even to be halved, got {rows} and "
                              f"{columns}")
    xp = namespace(images)
    squares = xp.reshape(images, (samples, channels, rows // 2, 2, columns // 2, 2))
    return xp.mean(squares, axis=(3, 5))


@dataclass(frozen=True, eq=False)
class Network:
    """A network as the composition of its parts.

    Attributes
    ----------
    parts : tuple of callable
        Opening layer, then blocks and connectors in turn.
    classifier : Classifier
        Of the means of the channels.
    """

    parts: tuple[Map, ...]
    classifier: Classifier

    @property
    def weights(self) -> int:
        """The number of trainable weights, counted array by array."""
        return parameters((self.parts, self.classifier))

    def features(self, images: Signal) -> Array:
        """The means of the channels, shape (samples, channels, 1, 1)."""
        y = as_images(images)
        for part in self.parts:
            with within_memory(y, "images"):
                y = part(y)
        return namespace(y).mean(y, axis=(2, 3), keepdims=True)

    def __call__(self, images: Signal) -> Signal:
        """The scores, shape (samples, classes); softmax turns them into probabilities."""
        return self.classifier(self.features(images))

    def trajectories(self) -> list[np.ndarray]:
        """θ of every block, shape (layers, weights), for the regulariser (13)."""
        return [np.array([np.concatenate([_weights(layer) for layer in _layers(step)])
                          for step in part.steps])
                for part in self.parts if isinstance(part, TimeSteps)]


def _layers(step: Step) -> list[SymmetricLayer]:
    return [step.first, step.second] if isinstance(step, Verlet) else [step.layer]


def _weights(layer: SymmetricLayer) -> np.ndarray:
    """All weights of a layer of images as a vector: θ at its time."""
    K, images = cast(ImageConvolution, layer.K), cast(FlatNormalisation, layer.normalisation).images
    return np.concatenate([K.kernel.ravel(), images.scale, images.bias])


# -- the three dynamics --------------------------------------------------------------------------
Layer = Callable[[int], SymmetricLayer]  # a new layer on so many channels
Dynamics = Callable[[Layer, int, int, Any], TimeSteps]


def parabolic(layer: Layer, channels: int, steps: int, delta: Rational) -> TimeSteps:
    """Y⁺ = Y + δF(Y)."""
    return TimeSteps(tuple(ForwardEuler(layer(channels), delta) for _ in range(steps)))


def hamiltonian(layer: Layer, channels: int, steps: int, delta: Rational) -> TimeSteps:
    """Verlet steps for Y and Z, each half of the channels; every step has two layers."""
    if channels % 2:
        raise InvalidArgument(f"channels: must be even for a Hamiltonian block, got {channels}")
    return TimeSteps(tuple(Verlet(layer(channels // 2), layer(channels // 2), delta)
                       for _ in range(steps)))


def second_order(layer: Layer, channels: int, steps: int, delta: Rational) -> TimeSteps:
    """Y_{j+1} = 2Y_j − Y_{j−1} + δ²F(Y_j)."""
    return TimeSteps(tuple(Leapfrog(layer(channels), delta) for _ in range(steps)),
                     second_order=True)


@dataclass(frozen=True)
class Architecture:
    """A network of Section 5 in words.

    Parameters
    ----------
    image : (int, int, int)
        Channels, rows and columns of the input.
    widths : sequence of int
        Channels of every block; the images are halved between two blocks.
    last : int
        Channels of the connector after the last block.
    classes : int
    steps : int
        Time steps of every block.
    delta : rational
        δ.
    activation : Flux
        σ of the blocks, the opening layer and the connectors.
    standardise, connecting : callable
        N in the blocks; N in the opening layer and the connectors.

    Examples
    --------
    >>> cifar10 = Architecture((3, 32, 32), (32, 64, 112), last=112, classes=10)
    >>> cifar10.build(parabolic, seed=0).weights
    502570
    """

    image: tuple[int, int, int]
    widths: Sequence[int]
    last: int
    classes: int
    steps: int = 3
    delta: Rational = 1
    activation: Flux = field(default_factory=relu)
    standardise: Map = field(default_factory=PixelVariation)
    connecting: Map = field(default_factory=BatchStatistics)

    def __post_init__(self) -> None:
        sizes = (*self.image, *self.widths, self.last, self.classes, self.steps)
        if len(self.image) != 3 or not self.widths or any(
                not isinstance(n, int) or n < 1 for n in sizes):
            raise InvalidArgument("image, widths, last, classes, steps: must be positive integers, "
                                  f"three for the image and some widths, got {self}")
        halvings = 2 ** (len(self.widths) - 1)
        if any(n % halvings for n in self.image[1:]):
            raise InvalidArgument(f"image: rows and columns must be multiples of {halvings} for "
                                  f"{len(self.widths)} blocks, got {self.image}")

    def build(self, dynamics: Dynamics, seed: int) -> Network:
        """The network with random kernels in the box [−1, 1], scales 1 and biases 0.

        Parameters
        ----------
        dynamics : callable
            `parabolic`, `hamiltonian` or `second_order`.
        seed : int
        """
        rng = np.random.default_rng(seed)
        rows, columns = self.image[1:]
        outputs = (*self.widths[1:], self.last)
        parts: list[Map] = [self._make_widening(rng, self.image[0], self.widths[0], 3)]
        for number, (width, output) in enumerate(zip(self.widths, outputs, strict=True)):
            grid = (rows >> number, columns >> number)
            parts.append(dynamics(partial(self._layer, rng, grid), width, self.steps, self.delta))
            between = number + 1 < len(self.widths)
            parts.append(self._make_widening(rng, width, output, 1, pooled=between))
        weights = rng.standard_normal((self.classes, self.last, 1, 1)) / np.sqrt(self.last)
        return Network(tuple(parts), Classifier(weights, np.zeros(self.classes)))

    def _layer(self, rng: np.random.Generator, grid: tuple[int, int], channels: int
               ) -> SymmetricLayer:
        return image_layer(_random(rng, channels, channels, 3),
                           fresh(channels, self.standardise), self.activation, grid)

    def _make_widening(self, rng: np.random.Generator, inputs: int, outputs: int, width: int, *,
                       pooled: bool = False) -> Widening:
        return Widening(_random(rng, outputs, inputs, width), fresh(outputs, self.connecting),
                        self.activation, pooled)


def _random(rng: np.random.Generator, outputs: int, inputs: int, width: int
            ) -> np.ndarray:
    kernel = rng.standard_normal((outputs, inputs, width, width)) / np.sqrt(inputs * width**2)
    return np.clip(kernel, -1, 1)


STL10 = Architecture((3, 96, 96), (16, 32, 64, 128), last=128, classes=10)
CIFAR10 = Architecture((3, 32, 32), (32, 64, 112), last=112, classes=10)
CIFAR100 = Architecture((3, 32, 32), (32, 64, 128), last=256, classes=100)
