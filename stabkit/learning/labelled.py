"""Images with their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stabkit.errors import InvalidArgument
from stabkit.learning.images import restrict_images


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images with their labels.

    Attributes
    ----------
    images : ndarray, shape (samples, rows, columns)
    labels : ndarray of int, shape (samples,)
    classes : int
        The labels are 0 … classes − 1.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: int

    def __post_init__(self) -> None:
        if self.images.ndim != 3 or not len(self.images) or \
                self.labels.shape != self.images.shape[:1]:
            raise InvalidArgument("images, labels: must have shapes (samples, rows, columns) and "
                                  f"(samples,), got {self.images.shape} and {self.labels.shape}")
        if self.labels.dtype.kind not in "iu" or \
                not 0 <= self.labels.min() <= self.labels.max() < self.classes:
            raise InvalidArgument(f"labels: must be integers in 0 … {self.classes - 1}, got "
                                  f"{self.labels.dtype} in {self.labels.min()} … "
                                  f"{self.labels.max()}")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def targets(self) -> np.ndarray:
        """The labels as rows of the identity matrix, shape (samples, classes)."""
        return np.eye(self.classes)[self.labels]

    def restricted(self) -> Labelled:
        """The images on the next coarser grid, by full weighting."""
        return Labelled(restrict_images(self.images), self.labels, self.classes)

    def sample(self, indices: np.ndarray) -> Labelled:
        """The images at these indices."""
        return Labelled(self.images[indices], self.labels[indices], self.classes)
