"""The handwritten digits that scikit-learn ships: 1797 images of 8×8 pixels.

Needs scikit-learn, the extra ``learning``.
"""

from __future__ import annotations

from importlib import import_module

import numpy as np

from stabkit.errors import InvalidArgument
from stabkit.installation import install
from stabkit.learning.images import prolong_images
from stabkit.learning.labelled import Labelled

CLASSES = 10


def load_digits(seed: int, *, training: int = 1200, margin: int = 2, refinements: int = 0
                ) -> tuple[Labelled, Labelled]:
    """A random split of the digits into a training and a validation set.

    Parameters
    ----------
    seed : int
    training : int
        The size of the training set; the rest of the 1797 images validates.
    margin : int
        Black pixels added on every side, so that strokes do not touch the boundary.
    refinements : int
        How often the images are then interpolated to twice the rows and columns: strokes of one
        or two pixels are not smooth on their own grid, interpolated ones are.

    Returns
    -------
    training, validation : Labelled
        Grey values between 0 and 1 on 2ʳ(8 + 2·margin) rows and columns, r the refinements.
    """
    for name, value in (("margin", margin), ("refinements", refinements)):
        if not isinstance(value, int) or value < 0:
            raise InvalidArgument(f"{name}: must be an integer >= 0, got {value!r}")
    try:
        data = import_module("sklearn.datasets").load_digits()
    except ImportError as error:
        raise InvalidArgument("load_digits: the package scikit-learn is missing; "
                              f"{install('learning')}") from error
    if not 0 < training < len(data.images):
        raise InvalidArgument(f"training: must lie between 0 and {len(data.images)}, got "
                              f"{training}")
    images = np.pad(data.images / 16, ((0, 0), (margin, margin), (margin, margin)))
    for _ in range(refinements):
        images = prolong_images(images)
    order = np.random.default_rng(seed).permutation(len(images))
    everything = Labelled(images, data.target, CLASSES)
    return everything.sample(order[:training]), everything.sample(order[training:])
