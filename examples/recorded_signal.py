"""Every scheme on a real recording: the ECG that PyWavelets ships (``pip install PyWavelets``).

Prints, per scheme, what became of the notions on this one signal.  A signal proves nothing; the
certificates of ``stabkit verify`` do.
"""

import numpy as np
import pywt
from rich.console import Console
from rich.table import Table

from stabkit import (
    EUCLIDEAN,
    FSI,
    RANGE,
    SIGN,
    Explicit,
    FixedPoint,
    HaarShrinkage,
    Implicit,
    Regularisation,
    difference,
    fluxes,
    repeat,
)

signal = pywt.data.ecg().astype(float)
centred = signal - signal.mean()
K, flux = difference(1, len(signal)), fluxes.perona_malik(20)
schemes = {
    "explicit, 100 steps of 1/4": repeat(Explicit(K, flux, "1/4"), 100),
    "FSI, one cycle of 20": FSI(K, flux, "1/4", 20),
    "fixed point, 5 iterations": FixedPoint(K, flux, "1/8", 5),
    "implicit, τ = 25": Implicit(K, flux, 25),
    "Haar shrinkage, soft, θ = 20/√2": HaarShrinkage(fluxes.soft(20), len(signal)),
}
table = Table("scheme", "norm kept by", "range margin", "sign changes lost")
for name, scheme in schemes.items():
    out = scheme(centred)
    table.add_row(name, f"{EUCLIDEAN.margins(centred, out):.4f}",
                  f"{RANGE.margins(centred, out):.4f}", f"{SIGN.margins(centred, out):.0f}")
smooth = Regularisation(K, flux, 25)
out = smooth.minimise(centred)
Console().print(table)
Console().print(f"regularisation: |grad E| = {np.abs(smooth.gradient(out, centred)).max():.1e}")
