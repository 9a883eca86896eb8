"""software: stability claims that public software documents, quoted with version and place, and
decided on a model of the documented scheme.

Notation: every scheme is written in the package's own parameters; a grid has spacing 1 if unsaid.
Keeping the range means min u <= u⁺ <= max u.  Models compute in exact numbers; what the packages
do in floating point on the same inputs is in `tests/claims/test_claims_software.py`.
"""

from stabkit.claims.software import filters, images, terrain, solvers, layers  # noqa: F401, I001
