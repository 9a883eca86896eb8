"""NVIDIA's run-time compiler by itself: it compiles for a GPU where there is none."""

import ctypes
import ctypes.util
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest


@cache
def library():
    """Of the package nvidia-cuda-nvrtc-cu12 or -cu13, or of an installed toolkit."""
    spec = find_spec("nvidia")
    found = [path for folder in (spec.submodule_search_locations if spec else ())
             for path in sorted(Path(folder).glob("*/lib/libnvrtc.so.*"))]
    name = str(found[0]) if found else ctypes.util.find_library("nvrtc")
    if name is None:
        pytest.skip("needs NVRTC to compile for a GPU: pip install nvidia-cuda-nvrtc-cu12")
    return ctypes.CDLL(name)


def compiled(source, options, architecture="sm_90"):
    """Whether it compiles, and what the compiler says of it."""
    nvrtc, program, size = library(), ctypes.c_void_p(), ctypes.c_size_t()
    options = [f"--gpu-architecture={architecture}", "--ptxas-options=-v", *options]
    array = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None,
                                    None) == 0
    status = nvrtc.nvrtcCompileProgram(program, len(options), array)
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return status == 0, log.value.decode()
