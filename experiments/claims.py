"""What the papers claim of training, as claims: a statement, five seeds each, and a verdict.

    python -m stabkit verify --claims experiments/claims.py
    python -m experiments                                    the tables behind them

An experiment supports a statement or does not; it proves nothing.  The statements here are about
small networks on small data, minutes on one thread; none of them is the paper's own experiment.
Needs the extras ``torch`` and ``samples``.
"""

from __future__ import annotations

from itertools import pairwise

from experiments import (
    across_grids,
    certificates,
    denoising,
    mgnet_beside_resnet,
    three_networks,
)
from experiments.measuring import SEEDS, difference, exceeds, is_like
from stabkit import Experiment, claim

MARGIN = 0.03  # accuracies that differ by less count as comparable
KINDS, SHARES = three_networks.KINDS, three_networks.SHARES
PAIRS = (("parabolic", "Hamiltonian"), ("parabolic", "second order"),
         ("Hamiltonian", "second order"))


@claim("ruthotto2018, Section 5", notion="training", expect="supported",
       within=dict(pair=PAIRS))
def networks_are_comparable(pair):
    """The accuracies of two of the parabolic, the Hamiltonian and the second-order network on
    held-out digits differ by less than 3 percentage points, with 95 % confidence; the Hamiltonian
    network has half of the weights in its stencils."""
    def run() -> tuple[bool, int, float]:
        one, two = (three_networks.accuracies(kind, SHARES[-1]) for kind in pair)
        halved = 2 * three_networks.stencil_weights("Hamiltonian") == \
            three_networks.stencil_weights("parabolic") == \
            three_networks.stencil_weights("second order")
        return halved and is_like(one, two, MARGIN), 2 * len(SEEDS), difference(one, two)[0]
    return Experiment(run)


@claim("ruthotto2018, Figure 2", notion="training", expect="undecided", within=dict(kind=KINDS))
def more_data_helps(kind):
    """A network trained on 80 % of the digits is more accurate on those held out than one trained
    on 10 % of them for as many steps, with 95 % confidence: the means of all three kinds rise by
    two to four points, and the interval of at least one of them holds 0."""
    return _gain(kind, SHARES[0], SHARES[-1])


@claim("ruthotto2018, Figure 2", notion="training", expect="undecided",
       within=dict(kind=KINDS))
def every_doubling_of_the_data_helps(kind):
    """Every doubling of the data from 10 to 80 % raises the accuracy, with 95 % confidence: the
    means mostly rise, and the intervals of most doublings hold 0."""
    def run() -> tuple[bool, int, float]:
        found = [three_networks.accuracies(kind, share) for share in SHARES]
        return (all(exceeds(more, less) for less, more in pairwise(found)),
                len(SEEDS) * len(SHARES),
                min(difference(more, less)[0] for less, more in pairwise(found)))
    return Experiment(run)


def _gain(kind: str, little: int, much: int) -> Experiment:
    def run() -> tuple[bool, int, float]:
        less, more = (three_networks.accuracies(kind, share) for share in (little, much))
        return exceeds(more, less), 2 * len(SEEDS), difference(more, less)[0]
    return Experiment(run)


@claim("haber2017, Section 5.1", notion="training", expect="supported",
       within=dict(setting=("smooth", "as they are")))
def coarse_to_fine_ends_lower(setting):
    """After as many rounds on the fine grid, training that begins with the stencils of the coarse
    one has a lower loss than training on the fine grid alone, with 95 % confidence."""
    def run() -> tuple[bool, int, float]:
        found = across_grids.outcomes(setting)
        fine, both = [each.fine for each in found], [each.multilevel for each in found]
        return exceeds(fine, both), 2 * len(SEEDS), difference(fine, both)[0]
    return Experiment(run)


@claim("haber2017, Section 5.1", notion="training", expect="supported")
def coarse_to_fine_saves_work():
    """On digits as they are, the last loss of training on the fine grid alone is reached with less
    work, that on the coarse grid included, for every seed."""
    return _saving("as they are")


@claim("haber2017, Section 5.1", notion="training", expect="undecided")
def coarse_to_fine_saves_work_on_smooth_digits():
    """The same on digits that were interpolated to a finer grid: for one seed of five it takes
    more work."""
    return _saving("smooth")


def _saving(setting: str) -> Experiment:
    def run() -> tuple[bool, int, float]:
        shares = [each.work for each in across_grids.outcomes(setting)]
        return max(shares) < 1, 2 * len(SEEDS), max(shares)
    return Experiment(run)


@claim("haber2017, Section 5.2", notion="training", expect="supported",
       quote="the consistent prolongation of the kernel is of key importance",
       within=dict(setting=("smooth", "as they are")))
def consistent_transfer_begins_lower(setting):
    """On the fine grid the Galerkin transfer of the stencils trained on the coarse one begins with
    a lower loss than the same stencils unchanged, with 95 % confidence."""
    return _transfers(setting, "starts", "unchanged", "Galerkin")


@claim("haber2017, Section 5.2", notion="training", expect="undecided",
       quote="using the restricted classification weights with the fine mesh kernels gives an "
             "accuracy of 81.8%, which is inferior",
       within=dict(setting=("smooth", "as they are")))
def consistent_transfer_classifies_coarse_images_better(setting):
    """Of a net trained on the fine grid alone, the Galerkin transfer of the stencils classifies
    coarse images better than the unchanged stencils do, with 95 % confidence: the means are in the
    other order."""
    return _transfers(setting, "coarse", "Galerkin", "unchanged")


def _transfers(setting: str, measure: str, larger: str, smaller: str) -> Experiment:
    """One transfer has the larger values of a measure, seed by seed."""
    def run() -> tuple[bool, int, float]:
        found = [getattr(each, measure) for each in across_grids.outcomes(setting)]
        a, b = ([each[name] for each in found] for name in (larger, smaller))
        return exceeds(a, b), 2 * len(SEEDS), difference(a, b)[0]
    return Experiment(run)


@claim("he2019, Table 2", notion="training", expect="supported",
       within=dict(pair=tuple(mgnet_beside_resnet.PAIRS)))
def mgnet_is_as_good_with_fewer_weights(pair):
    """With fewer weights an MgNet is at most one percentage point less accurate than a ResNet on
    held-out digits, with 95 % confidence."""
    return _beside_resnet(pair, -0.01)


@claim("he2019, Table 2", notion="training", expect="undecided",
       within=dict(pair=tuple(mgnet_beside_resnet.PAIRS)))
def mgnet_is_better_with_fewer_weights(pair):
    """With fewer weights an MgNet is more accurate than a ResNet on held-out digits, with 95 %
    confidence: the means are in that order, and the interval of the difference holds 0."""
    return _beside_resnet(pair, 0.0)


def _beside_resnet(pair: str, by: float) -> Experiment:
    def run() -> tuple[bool, int, float]:
        mgnet, resnet = mgnet_beside_resnet.accuracies(pair)
        one, two = mgnet_beside_resnet.sizes(pair)
        return (one < two and exceeds(mgnet, resnet, by), 2 * len(SEEDS),
                difference(mgnet, resnet)[0])
    return Experiment(run)


@claim("alt2021, Section 2.5", notion="training", expect="supported",
       quote="nonmonotone flux functions outperform monotone ones in the diffusion setting",
       within=dict(kind=tuple(denoising.SETTINGS)))
def nonmonotone_fluxes_denoise_better(kind):
    """In certified blocks the better one of Perona and Malik's flux and the garrote's leaves a
    smaller error on parts of recordings that no one has seen than the better one of Charbonnier's
    and the soft one, each chosen on other parts, with 95 % confidence."""
    def run() -> tuple[bool, int, float]:
        monotone, falling = (denoising.of_family(kind, family) for family in denoising.FAMILIES)
        return exceeds(monotone, falling), 4 * len(SEEDS), difference(monotone, falling)[0]
    return Experiment(run)


@claim("a certified net withstands attacks better", notion="training", expect="supported")
def certificates_help_against_attacks():
    """Under gradient attacks of radius 1 a certified net is more accurate than a free one, with
    95 % confidence; and its constant is proved to be at most 1."""
    def run() -> tuple[bool, int, float]:
        free, certified = certificates.outcomes(False), certificates.outcomes(True)
        one, two = certified["attack 1.0"], free["attack 1.0"]
        proved = max(certified["constant"]) <= 1
        return proved and exceeds(one, two), 2 * len(SEEDS), difference(one, two)[0]
    return Experiment(run)
