"""The ways into the package, by name; each is made when it is needed."""

import calls
import evidence
import files
import modules
import small

DOORS = {
    "onnx": files.onnx, "npz": files.npz, "npy": files.npy, "csv": files.csv, "wav": files.wav,
    "json": evidence.json, "language": evidence.language, "traced": calls.traced,
    "steps": calls.steps, "constructors": calls.constructors, "decide": calls.deciding,
    "step_bound": calls.bounds, "audit": calls.audits, "multigrid": calls.solving,
    "torch": modules.torch, "torch_export": modules.torch_export,
    "small_decide": small.deciding, "small_step_bound": small.bounds, "small_audit": small.audits,
    "small_export": small.torch_export,
}
