"""Masks of attention: entries of −∞ before a softmax, which it makes zero."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from stabkit.audit.reading.builder import ABSENT, View
from stabkit.audit.reading.operator import Constant, Masked, Operator
from stabkit.networks.layers import Softmax


def finite_sum(op: Operator, at: int) -> tuple[Operator, np.ndarray]:
    """A sum without the entries of −∞ in its input `at`, and where the sum is finite."""
    value = op.constant_input(at)
    kept = np.isfinite(value.values)
    return _with_input(op, at, np.where(kept, value.values, 0)), kept


def finite_choice(op: Operator, at: int, taken: np.ndarray) -> tuple[Operator, np.ndarray]:
    """The same for a choice that takes its input `at` in some places."""
    given, kept = finite_sum(op, at)
    return given, kept | ~taken


def _with_input(op: Operator, at: int, values: np.ndarray) -> Operator:
    inputs = list(op.inputs)
    inputs[at] = Constant(values, op.constant_input(at).name)
    return replace(op, inputs=inputs)


def mask(view: View, kept: np.ndarray) -> Masked:
    """A signal that is −∞ elsewhere."""
    return Masked(view, np.broadcast_to(kept, view.shape))


def masked_softmax(op: Operator, given: Masked, places: np.ndarray) -> View:
    """The softmax of what is kept in every group of places, and zeros elsewhere."""
    build, shape, mask = op.build, given.view.shape, given.kept
    lead = shape[:1] if build.has_batch(shape) else (1,)
    mask = mask.reshape(*lead, -1)
    if (mask != mask[:1]).any():
        raise op.refuse("a mask that differs between the samples of a batch")
    size = mask.shape[1]
    kept = mask[0][places]
    counts = kept.sum(axis=1)
    if op.kind == "LogSoftmax" or not counts.all():
        raise op.refuse("a softmax with a logarithm, or of nothing but -inf")
    flat, parts = build.reshape(given.view, (*lead, size)), []
    target, start = np.full(size, ABSENT), 0
    for count in np.unique(counts):
        rows = counts == count
        picked = places[rows][kept[rows]]
        one = build.move(flat, partial(_pick, picked))
        groups = np.arange(len(picked)).reshape(-1, count)
        parts.append(build.add(Softmax(groups), [one], one.shape))
        target[picked] = start + np.arange(len(picked))
        start += len(picked)
    whole = parts[0] if len(parts) == 1 else build.join(parts, 1)
    made = build.move(whole, lambda index: np.where(target == ABSENT, ABSENT, index[:, target]))
    return build.reshape(made, shape)


def _pick(places: np.ndarray, index: np.ndarray) -> np.ndarray:
    return index[:, places]
