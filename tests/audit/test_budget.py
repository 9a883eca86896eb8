"""What an audit says where the time does not suffice for all that could be said."""

import numpy as np

from stabkit.audit.composition import composition_of
from stabkit.audit.npz_file import from_arrays
from stabkit.audit.witnesses import largest_quotient
from stabkit.networks.blocks import blocks_of
from stabkit.replay import check
from stabkit.stability import confirmation
from stabkit.stability.notions import CONTRACTION
from stabkit.time_limit import time_limit

W = np.random.default_rng(0).standard_normal((20, 20)).astype(np.float32) / 8


def block(step: float):
    """u - step W'tanh(W u)."""
    return from_arrays({"W1": W, "flux": np.array("tanh"), "step": np.array(step)})


def test_evidence_that_is_not_checked_in_time_is_not_believed(monkeypatch):
    """The checker may take 2000 steps, too few for the twenty pivots of long fractions."""
    certificate, = blocks_of(block(0.5))[0].certificates(CONTRACTION)
    assert confirmation.confirm(certificate)[0] is not None
    monkeypatch.setattr(confirmation, "_LEAST_STEPS", 2000)
    with time_limit(0.0):
        assert confirmation.confirm(certificate) == (
            None, "the checker does not confirm it: no time is left for it")


def test_a_bound_stands_in_for_a_certificate_that_is_not_checked_in_time(monkeypatch):
    """The step is below 2/‖W‖², so the block contracts, whichever way that is said."""
    graph = block(0.5)
    assert 0.5 * np.linalg.norm(W, 2) ** 2 < 2
    network = composition_of(graph)
    written = network.contracts(CONTRACTION, "")
    monkeypatch.setattr(confirmation, "_steps_in_time", lambda: 2000)
    given = network.contracts(CONTRACTION, "")
    for proof, how in ((written, "eigenvalues in [-1, 1]"), (given, "taken as given")):
        assert how in proof[-1].data["by"] and all(check(piece.to_json({})) is None
                                                   for piece in proof)


def test_a_pair_is_told_also_where_there_is_no_time_to_write_the_network_down(monkeypatch):
    """A step of 9/‖W‖² drives inputs apart by a factor of 8 along the first singular vector."""
    step = 9 / np.linalg.norm(W.astype(float), 2) ** 2
    monkeypatch.setattr(confirmation, "_steps_in_time", lambda: 2000)
    found = largest_quotient(block(step), float("-inf"), 0)
    assert 7.9 < found.lower <= 8.0001
    assert "taken as given" in found.evidence[0].data["by"]
