"""Learning with PDE networks: across scales (haber2017), and whole networks (ruthotto2018)."""

from stabkit.learning.architecture import (
    CIFAR10,
    CIFAR100,
    STL10,
    Architecture,
    Network,
    hamiltonian,
    parabolic,
    second_order,
)
from stabkit.learning.classifier import Classifier, CrossEntropy, LeastSquares, fit
from stabkit.learning.digits import load_digits
from stabkit.learning.gauss_newton import Expansion, GaussNewton, Minimum
from stabkit.learning.images import prolong_images, restrict_images
from stabkit.learning.labelled import Labelled
from stabkit.learning.multilevel import (
    GALERKIN,
    REDISCRETISED,
    UNCHANGED,
    StencilTransfer,
    coarse_model,
    prolong_classifier,
    prolong_weights,
    pyramid,
    restrict_classifier,
    restrict_weights,
    train_coarse_to_fine,
)
from stabkit.learning.network import LayerDerivative, Linearisation, ResidualNetwork
from stabkit.learning.normalisation import (
    BatchStatistics,
    FrozenStatistics,
    Normalisation,
    PixelVariation,
    frozen,
    unchanged,
)
from stabkit.learning.regulariser import TimeSmoothness
from stabkit.learning.training import Model, Record, Training, WeightObjective

__all__ = [
    "CIFAR10", "CIFAR100", "GALERKIN", "REDISCRETISED", "STL10", "UNCHANGED", "Architecture",
    "BatchStatistics", "Classifier", "CrossEntropy", "Expansion", "FrozenStatistics",
    "GaussNewton", "Labelled", "LayerDerivative", "LeastSquares", "Linearisation", "Minimum",
    "Model", "Network", "Normalisation", "PixelVariation", "Record", "ResidualNetwork",
    "StencilTransfer", "TimeSmoothness", "Training", "WeightObjective", "coarse_model", "fit",
    "frozen", "hamiltonian", "load_digits", "parabolic", "prolong_classifier", "prolong_images",
    "prolong_weights", "pyramid", "restrict_classifier", "restrict_images", "restrict_weights",
    "second_order", "train_coarse_to_fine", "unchanged",
]
