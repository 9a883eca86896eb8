"""Training that goes wrong on purpose: what was constrained stays stable, or an error says why."""

import pytest
from with_torch import load_torch

from stabkit import CONTRACTION, EUCLIDEAN, InvalidArgument, Status, fluxes

pytestmark = pytest.mark.slow  # PyTorch takes seconds to load


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch: not before the first of these tests runs."""
    global torch, st
    torch, st = load_torch(seed=11)


def block(notion=CONTRACTION, make=fluxes.charbonnier):
    return st.DiffusionBlock(st.Stencil(1, 2, (3,)), st.Activation(make), notion,
                             bias=notion is CONTRACTION)


@pytest.mark.parametrize("rate", [1.0, 1e3, 1e6])
def test_no_learning_rate_leaves_the_bound(rate):
    """Ten steps uphill with batches of one.  Large rates end in a loss that is no number, which is
    refused; the last weights that were numbers are proved to contract."""
    module = block()
    descent = torch.optim.SGD(module.parameters(), lr=rate)
    kept = {}
    for _ in range(10):
        descent.zero_grad()
        loss = -module(torch.randn(1, 1, 8)).square().mean()
        try:
            st.check_finite(loss).backward()
        except InvalidArgument as error:
            assert "take a smaller learning rate" in str(error) and rate > 1
            module.load_state_dict(kept)
            break
        kept = {name: each.clone() for name, each in module.state_dict().items()}
        descent.step()
    assert st.certify(module, (1, 8), CONTRACTION, budget=3).status is Status.PROVED


@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_weights_of_any_size(size):
    """The step follows: τ‖K‖² stays, though ‖K‖² is 1e±12."""
    module = block(EUCLIDEAN, fluxes.perona_malik)
    with torch.no_grad():
        module.layer.K.weight *= size
    assert st.certify(module, (1, 8), EUCLIDEAN, budget=3).status is Status.PROVED


def test_weights_that_are_no_numbers_are_named():
    """NaN in one weight: nothing is proved, and the error names what is to be done."""
    module = block()
    with torch.no_grad():
        module.layer.K.weight[0, 0, 1] = float("nan")
    with pytest.raises(InvalidArgument, match=r"finite|NaN|number"):
        st.certify(module, (1, 8), CONTRACTION, budget=2)


def test_a_wrong_bound_in_training_is_seen_by_the_confirmation(monkeypatch):
    """The planted fault: a quarter of ‖K‖² in the place of its bound, so that the step may be four
    times too large.  The training knows nothing of it, the audit refutes the block."""
    from stabkit.torch import operators

    right = operators.convolution_square
    monkeypatch.setattr(operators, "convolution_square", lambda weight: right(weight) / 4)
    module = st.DiffusionBlock(st.Stencil(1, 2, (3,)), st.Activation(fluxes.identity), CONTRACTION)
    with torch.no_grad():
        module.tau = 0.9 * 2 / module.layer.K.square()
    assert st.certify(module, (1, 12), CONTRACTION, budget=3).status is Status.REFUTED


def test_a_network_in_half_precision_is_refused():
    """float16 has too few digits for a bound: neither trained nor certified."""
    module = block().half()
    with pytest.raises(InvalidArgument, match="float16"):
        module(torch.randn(1, 1, 8).half())
    with pytest.raises(InvalidArgument, match="float16"):
        st.certify(module, (1, 8), CONTRACTION, budget=2)
