"""A compiler of Numba's whose results wait to be linked: nothing else takes its inner names."""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import LoweringPass, PassManager, register_pass
from numba.core.typed_passes import IRLegalization


class _Part(JITCodeLibrary):
    """Code that waits to be linked."""

    def _finalize_final_module(self) -> None:
        self._finalized = True

    @property
    def codegen(self) -> _Part:
        return self

    def set_env(self, name: str, environment: Any) -> None:
        """Set nothing: what has no machine code has no place in memory."""


@register_pass(mutates_CFG=False, analysis_only=True)
class _MadeForLinking(LoweringPass):
    _name = "stabkit_made_for_linking"

    def __init__(self) -> None:
        super().__init__()

    def run_pass(self, state: Any) -> bool:
        state.library = _Part(state.targetctx.codegen(), state.func_id.func_qualname)
        return False


class PartCompiler(CompilerBase):
    """Numba's compiler, with another library for what it makes."""

    def define_pipelines(self) -> list[PassManager]:
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_MadeForLinking, IRLegalization)
        passes.finalize()
        return [passes]
