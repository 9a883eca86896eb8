"""The CUDA sources compile for a GPU, and what is said to stay in registers does."""

import re

import pytest
from nvrtc import compiled

from stabkit.codes import FluxCode, NotionCode, SchemeCode
from stabkit.launcher import source

CODES = [code for code in FluxCode if code is not FluxCode.TANH]


def stack(file, **definitions):
    """The bytes of local memory by kernel, compiled for sm_90."""
    good, log = compiled(source(file), ["--fmad=false",
                                        *(f"-D{name}={value}"
                                          for name, value in definitions.items())])
    assert good, log
    found = re.findall(r"Function properties for (\w+)\s*\n?.*?(\d+) bytes stack frame", log, re.S)
    assert found, log
    return {name: int(size) for name, size in found}


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_every_flux(code):
    """The schemes' sites stay in registers, whatever the scheme."""
    for real in ("double", "float"):
        stack("steps.cu", FLUX=code, REAL=real)
        assert stack("haar.cu", FLUX=code, REAL=real) == {"haar": 0}
    for scheme in SchemeCode:
        real = ("double", "float")[(code + scheme) % 2]
        assert stack("tiles.cu", FLUX=code, REAL=real, SCHEME=scheme) == {"tiles": 0}
    stack("search.cu", FLUX=code, REAL="double", N=9, M=7, SCHEME=code % 4, NOTION=code // 4,
          DIFFERENCE=0)


@pytest.mark.parametrize("notion", NotionCode)
def test_short_signals_of_the_search_stay_in_registers(notion):
    """An explicit step with the difference, 16 samples; of 32 where there is no pair."""
    for n in (16, 32)[:1 if notion == NotionCode.CONTRACTION else 2]:
        assert stack("search.cu", FLUX=FluxCode.RATIONAL, REAL="double", N=n, M=n - 1,
                     SCHEME=SchemeCode.EXPLICIT, NOTION=notion, DIFFERENCE=1) == {"search": 0}


def test_the_poisson_cycle():
    """The kernels of the large levels need no local memory."""
    found = stack("poisson.cu")
    assert found["descend"] == found["ascend"] == 0
