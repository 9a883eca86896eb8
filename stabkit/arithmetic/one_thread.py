"""Linear algebra on small matrices, for which threads only wait for each other."""

from __future__ import annotations

from threadpoolctl import threadpool_limits

#: A decorator: what the function asks of BLAS is done by one thread.
one_thread = threadpool_limits.wrap(limits=1, user_api="blas")
