"""A step of the user's, run once on symbols: what it does, as exact forms of its input.

===========  =====================================================================================
form         affine forms of many entries at once, with polynomials in the step as coefficients
numbers      the numbers beside them, floats read as they were meant
tracer       the unknowns of one run, and where it was stopped
array        an array of symbols: views, assignment
arithmetic   what is done with its entries
moving       functions of NumPy that move entries
summing      functions of NumPy that add multiples of entries
libraries    stand-ins for what takes numbers only: np.zeros, scipy.sparse, scipy.ndimage
solving      stand-ins for solvers with a matrix of numbers
trees        outputs that are not linear, one by one
foreign      steps of other libraries, by their graph
torch_steps  those of PyTorch
jax_steps    those of JAX
recognised   which library a step is written in
modes        a signal by its modes
spectral     steps that are diagonal in Fourier's basis
cosines      transforms by cosines and sines
state        whether a function has a memory, or asks for the time
run          one run, and its comparison with the function
kinds        rows that are alike
held         values that are fixed
===========  =====================================================================================
"""

from stabkit.tracing.foreign import parameters_of
from stabkit.tracing.form import Form
from stabkit.tracing.held import Free, free
from stabkit.tracing.kinds import Kinds, kinds_of
from stabkit.tracing.recognised import in_numpy
from stabkit.tracing.run import Trace, as_shape, at_step, takes_step, trace

__all__ = ["Form", "Free", "Kinds", "Trace", "as_shape", "at_step", "free", "in_numpy",
           "kinds_of", "parameters_of", "takes_step", "trace"]
