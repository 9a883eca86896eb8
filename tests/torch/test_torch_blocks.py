"""The blocks against the schemes that they are, number by number, and what the audit reads."""

import copy
from fractions import Fraction

import numpy as np
import pytest
from with_torch import load_torch

from stabkit import (
    CONTRACTION,
    DIRICHLET,
    EUCLIDEAN,
    MIRRORED,
    NATURAL,
    PERIODIC,
    RANGE,
    InvalidArgument,
    Status,
    audit,
    fluxes,
)
from stabkit.schemes import HaarShrinkage as Shrinkage
from stabkit.schemes import Leapfrog, SymmetricLayer, TotalVariation, Verlet

pytestmark = pytest.mark.slow  # PyTorch takes seconds to load


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """PyTorch: not before the first of these tests runs."""
    global torch, st
    torch, st = load_torch(seed=5)


FLUXES = [fluxes.identity, fluxes.charbonnier, fluxes.perona_malik, fluxes.rational,
          fluxes.garrote, fluxes.soft, fluxes.hard, fluxes.firm, fluxes.tukey, fluxes.weickert,
          fluxes.relu, fluxes.tanh]


def operators():
    """Every boundary in 1-D and 2-D, and differences; with the shape of a signal."""
    return [(st.Stencil(2, 3, (3, 3), DIRICHLET), (2, 4, 5)),
            (st.Stencil(1, 2, (5,), PERIODIC), (1, 7)), (st.Stencil(2, 2, (3, 5), PERIODIC),
                                                         (2, 4, 6)),
            (st.Stencil(2, 2, (2,), NATURAL), (2, 5)), (st.Differences(2, 1), (2, 6)),
            (st.Stencil(1, 2, (5,), MIRRORED), (1, 6)), (st.Stencil(2, 2, (3, 5), MIRRORED),
                                                         (2, 4, 5)),
            (st.Differences(2, 2), (2, 3, 4))]


def signals(shape, count=3):
    return torch.randn(count, *shape, dtype=torch.float64)


def apart(module, scheme, shape):
    """The largest difference between a module and a scheme, at random signals."""
    u = signals(shape)
    with torch.no_grad():
        found = module.double()(u).reshape(len(u), -1).numpy()
    return np.abs(found - scheme.step(u.reshape(len(u), -1).numpy())).max()


@pytest.mark.parametrize("make", FLUXES, ids=lambda make: make.__name__)
def test_a_diffusion_block_is_the_explicit_step(make):
    """u − τKᵀΦ_λ(K u) by the module, and by the matrix of K and the flux with contrast 1."""
    for K, shape in operators():
        block = st.DiffusionBlock(K, st.Activation(make, contrast=0.7), EUCLIDEAN).double()
        assert apart(block, block.scheme(shape), shape) < 1e-13


@pytest.mark.parametrize("make", FLUXES[1:], ids=lambda make: make.__name__)
def test_a_cycle_is_the_scheme_of_that_length(make):
    """Frozen diffusivities or not, uˡ⁺¹ = αₗ(uˡ + τF) + (1 − αₗ)uˡ⁻¹."""
    for frozen in (True, False):
        K, shape = operators()[1]
        cycle = st.FSICycle(K, st.Activation(make), 4, None, 0.2, frozen).double()
        assert apart(cycle, cycle.scheme(shape), shape) < 1e-13


def test_an_implicit_block_solves_its_equation_and_knows_its_derivative():
    """v is the scheme's; the gradient by weights, step and input is that of finite differences."""
    for K, shape in operators()[::2]:
        block = st.ImplicitBlock(K, tau=3.0, tolerance=1e-12).double()
        assert apart(block, block.scheme(shape), shape) < 1e-9
        weight, u = block.layer.K.weight, signals(shape, 1).requires_grad_()
        target = signals(shape, 1)
        (block(u) * target).sum().backward()
        for values, slope in ((weight, weight.grad), (u, u.grad)):
            direction = torch.randn_like(values)
            ends = []
            for sign in (1, -1):
                with torch.no_grad():
                    values += sign * 1e-5 * direction
                    ends.append(float((block(u) * target).sum()))
                    values -= sign * 1e-5 * direction
            wanted = (ends[0] - ends[1]) / 2e-5
            assert abs(float((slope * direction).sum()) - wanted) < 1e-6 * (1 + abs(wanted))


def test_shrinkage_is_that_of_the_scheme():
    """Haar shrinkage with soft and with garrote thresholds, at both boundaries."""
    for make in (fluxes.soft, fluxes.garrote):
        for boundary in (MIRRORED, PERIODIC):
            module = st.HaarShrinkage(st.Activation(make), boundary)
            assert apart(module, Shrinkage(make(), 8, boundary), (1, 8)) < 1e-14


def test_layers_of_ruthotto2018_are_the_schemes():
    """Verlet and leapfrog steps with N_tv, and the inverse of a Verlet step."""
    grid, tau = (3, 4), 0.3
    one, two = (st.Stencil(2, 3, (3, 3)) for _ in range(2))

    def normalised():
        return st.PixelVariation(3, eps=0.25).double()

    def layer(K):
        return SymmetricLayer(K.double().exact(grid), fluxes.relu(), TotalVariation("1/4", 3))

    module = st.HamiltonianLayer(one, two, bias=False, normalisations=(normalised(), normalised()),
                                 tau=tau).double()
    exact_tau = float(module.tau.detach())
    assert apart(module, Verlet(layer(one), layer(two), exact_tau), (4, *grid)) < 1e-13
    u = signals((4, *grid))
    assert (module.back(module(u)) - u).abs().max() < 1e-13
    leap = st.LeapfrogLayer(one, bias=False, normalisation=normalised(), tau=tau).double()
    assert apart(leap, Leapfrog(layer(one), float(leap.tau.detach())), (4, *grid)) < 1e-13
    parabolic = st.ParabolicLayer(one, normalisation=normalised(), tau=tau).double()
    euler = layer(one)
    wanted = u[:, :2].reshape(3, -1).numpy()
    with torch.no_grad():
        found = parabolic(u[:, :2]).reshape(3, -1).numpy()
    assert np.abs(found - (wanted + float(parabolic.tau.detach()) * euler(wanted))).max() < 1e-13


@pytest.mark.parametrize("make", FLUXES[1:], ids=lambda make: make.__name__)
def test_an_exported_block_is_read_as_the_block_it_is(make):
    """The flux by its name, the second map as the transpose of the first, and the step."""
    block = st.DiffusionBlock(st.Stencil(1, 2, (3,)), st.Activation(make, 1.3), EUCLIDEAN)
    result = st.certify(block, (1, 7), EUCLIDEAN, budget=20)
    report, = result.blocks
    assert report.form == "diffusion block" and result.status is Status.PROVED
    inner, outer = block.layer.flux.factors()
    own = Fraction(1, 2) if make is fluxes.tukey else 1  # its largest slope counts as the step's
    assert report.step == Fraction(float(block.tau.detach())) * outer / inner * own


@pytest.mark.parametrize("make", [fluxes.perona_malik, fluxes.hard, fluxes.weickert],
                         ids=lambda make: make.__name__)
def test_a_falling_flux_keeps_the_norm_on_a_large_grid(make):
    """1536 numbers are too many for rational matrices: ‖I − τKᵀG(u)K‖ <= 1 for 0 <= G <= 1 by the
    norm of K.  Two blocks in a row; with a step that is too large even for a norm that is bounded
    too high by 1.7 nothing is proved."""
    def block(ratio):
        made = st.DiffusionBlock(st.Stencil(2, 3, (3, 3)), st.Activation(make, 0.8), EUCLIDEAN)
        with torch.no_grad():
            tau = float(2 / made.layer.flux.largest_diffusivity / made.layer.K.square())
        return st.DiffusionBlock(made.layer.K, made.layer.flux, None, ratio * tau)

    shape = (2, 16, 16)
    good = torch.nn.Sequential(block(0.9), block(0.99))
    assert st.certify(good, shape, EUCLIDEAN, budget=4).status is Status.PROVED
    bad = torch.nn.Sequential(block(0.9), block(1.8))
    assert st.certify(bad, shape, EUCLIDEAN, budget=2).status is not Status.PROVED


def test_a_large_grid_keeps_its_range():
    """Differences on 40×40 pixels, by the few kinds of their rows; 1.2 times the bound is refuted
    or left open."""
    block = st.DiffusionBlock(st.Differences(1, 2), st.Activation(fluxes.perona_malik), RANGE)
    assert st.certify(block, (1, 40, 40), RANGE, budget=4).status is Status.PROVED
    tau = 1.2 * float(1 / block.layer.K.largest_row().detach())
    free = st.DiffusionBlock(block.layer.K, block.layer.flux, None, tau)
    assert st.certify(free, (1, 40, 40), RANGE, budget=2).status is not Status.PROVED


def test_a_flux_that_jumps_has_no_slope_to_bound():
    """Hard shrinkage's flux keeps the norm and contracts for no step."""
    with pytest.raises(InvalidArgument, match="take EUCLIDEAN"):
        st.DiffusionBlock(st.Stencil(1, 2, (3,)), st.Activation(fluxes.hard), CONTRACTION)
    with pytest.raises(InvalidArgument, match="jumps"):
        st.SymmetricLayer(st.Stencil(1, 2, (3,)), st.Activation(fluxes.hard)).steepness()


def test_slopes_at_zero_are_numbers():
    """Φ′(0) = g(0) for every flux: 1, or 1/2 for Tukey's; ReLU has 0 in PyTorch."""
    for make in FLUXES:
        s = torch.zeros(3, dtype=torch.float64, requires_grad=True)
        st.Activation(make)(s).sum().backward()
        assert set(s.grad.tolist()) == {{fluxes.tukey: 0.5, fluxes.relu: 0.0}.get(make, 1.0)}


@pytest.mark.parametrize("case", range(8))
def test_what_is_certified_in_training_is_proved_after_it(case):
    """Each with weights that were moved at random, far away from those at the beginning."""
    make = [
        lambda: (st.DiffusionBlock(st.Stencil(2, 3, (3, 3)), notion=CONTRACTION, bias=True),
                 (2, 5, 5), CONTRACTION),
        lambda: (st.DiffusionBlock(st.Differences(1, 2), notion=RANGE), (1, 3, 4), RANGE),
        lambda: (st.DiffusionBlock(st.Differences(1, 1), st.Activation(fluxes.perona_malik),
                                   RANGE), (1, 6), RANGE),
        lambda: (st.FSICycle(st.Stencil(1, 1, (3,)), length=2), (1, 5), EUCLIDEAN),
        lambda: (st.ImplicitBlock(st.Stencil(1, 2, (3,)), tau=5.0), (1, 6), CONTRACTION),
        lambda: (st.HaarShrinkage(), (1, 7), RANGE),
        lambda: (st.DiffusionBlock(st.Stencil(2, 2, (3, 3), MIRRORED), notion=CONTRACTION,
                                   bias=True), (2, 5, 5), CONTRACTION),
        lambda: (st.DiffusionBlock(st.Stencil(2, 2, (3, 3), MIRRORED), notion=CONTRACTION,
                                   bias=True), (2, 17, 17), CONTRACTION),
    ][case]
    module, shape, notion = make()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 2 * torch.randn_like(parameter)
    assert st.certify(module, shape, notion, budget=20).status is Status.PROVED


def test_a_copy_of_a_certified_cycle_is_the_same_cycle():
    """Its flux was asked for exact values before: those of the copy are at pieces of its own."""
    cycle = st.FSICycle(st.Stencil(1, 2, (3,)), length=2)
    u = torch.randn(2, 1, 6)
    assert st.certify(cycle, (1, 6), EUCLIDEAN).status is Status.PROVED
    assert torch.equal(copy.deepcopy(cycle)(u), cycle(u))


def test_a_step_over_the_bound_is_refuted():
    """The planted fault: the same block with 2.2 times the largest certified step."""
    block = st.DiffusionBlock(st.Stencil(1, 2, (3,)), notion=CONTRACTION)
    tau = 2.2 * 2 / float(block.layer.steepness().detach())
    free = st.DiffusionBlock(block.layer.K, block.layer.flux, None, tau)
    assert st.certify(free, (1, 9), CONTRACTION, budget=2).status is Status.REFUTED


def test_a_hamiltonian_layer_is_read_as_one_whose_modes_do_not_grow():
    """By the step that it begins with; nothing follows from that for several layers."""
    module = st.HamiltonianLayer(st.Stencil(1, 2, (3,)), st.Stencil(1, 2, (3,)),
                                 st.Activation(fluxes.tanh))
    found = audit(module, (2, 5), notions=["modes"], rounding="exact", budget=2)
    assert found.blocks[0].form == "Hamiltonian block"
    assert {item.status for item in found.judgements if item.counts} == {Status.PROVED}


@pytest.mark.parametrize("ratio, wanted", [(0.99, Status.PROVED), (1.01, Status.REFUTED)])
def test_modes_of_a_leapfrog_layer_grow_beyond_its_step_and_not_before(ratio, wanted):
    """(Y, Z) -> (2Y − Z − δ²KᵀΦ(K Y), Y), for small signals with Φ′ = 1: δ‖K‖ < 2 or > 2, with
    ‖K‖ by LAPACK, and the eigenvalues of the matrix of small signals."""
    module = st.LeapfrogLayer(st.Stencil(1, 2, (3,)), st.Activation(fluxes.charbonnier), bias=False,
                              tau=1.0)
    K = module.layer.K(torch.eye(5)[:, None]).detach().reshape(5, -1).T
    module.tau = torch.tensor(ratio * 2 / float(torch.linalg.matrix_norm(K.double(), 2)))
    small = 1e-4 * torch.eye(10, dtype=torch.float64).reshape(10, 2, 5)
    step = 1e4 * copy.deepcopy(module).double()(small).detach().reshape(10, 10).T
    largest = float(torch.linalg.eigvals(step).abs().max())
    assert (largest > 1 + 1e-3) is (wanted is Status.REFUTED)
    found = audit(module, (2, 5), notions=["modes"], rounding="exact", budget=2)
    assert found.blocks[0].form == "leapfrog block"
    assert {item.status for item in found.judgements if item.counts} == {wanted}
    assert abs(float(found.blocks[0].step / found.blocks[0].safe) - ratio) < 1e-4


def test_what_is_nearly_a_leapfrog_layer_is_none():
    """The planted faults: 2Y + Z, 3Y − Z, a flow with the other sign, and Z kept in place of Y."""
    class Other(st.LeapfrogLayer):
        def __init__(self, kind):
            super().__init__(st.Stencil(1, 2, (3,)))
            self.kind = kind

        def forward(self, state):
            y, z = state[:, :1], state[:, 1:]
            flow = self.tau**2 * self.layer(y)
            return torch.cat({"right": (2 * y - z + flow, y), "plus": (2 * y + z + flow, y),
                              "three": (3 * y - z + flow, y), "sign": (2 * y - z - flow, y),
                              "kept": (2 * y - z + flow, z)}[self.kind], 1)

    forms = {kind: audit(Other(kind), (2, 5), notions=["modes"], budget=1).blocks[0].form
             for kind in ("right", "plus", "three", "sign", "kept")}
    assert forms.pop("right") == "leapfrog block" and "leapfrog block" not in forms.values()


def test_a_mirror_on_the_wrong_side_is_no_transpose():
    """The planted fault: Kᵀ whose result is moved by a pixel, on a grid too large for matrices."""
    class Moved(st.Stencil):
        def adjoint(self, w):
            return super().adjoint(w).roll(1, -1)

    shape, forms = (2, 17, 17), []
    for kind in (st.Stencil, Moved):
        block = st.DiffusionBlock(kind(2, 2, (3, 3), MIRRORED), notion=CONTRACTION)
        forms.append(st.certify(block, shape, CONTRACTION, budget=2).blocks[0].form)
    assert forms[0] == "diffusion block" != forms[1]
