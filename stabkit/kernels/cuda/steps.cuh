// K u and the update of the explicit, FSI and fixed point schemes, as in stabkit/kernels/steps.py.

// The compressed rows of K and of its transpose.
struct Sparse {
    const unsigned *starts, *columns;
    const real *values;
};

__device__ inline real row(Sparse K, const real *x, long long i) {
    real total = (real)0;
    for (unsigned k = K.starts[i]; k < K.starts[i + 1]; k++) total += K.values[k] * x[K.columns[k]];
    return total;
}

// The weights alpha = (4l + 2)/(2l + 3) and 1 - alpha of inner step l.
__device__ inline void weights(long long step, real *a, real *b) {
    double alpha = (double)(4 * step + 2) / (double)(2 * step + 3);
    *a = (real)alpha;
    *b = (real)(1.0 - alpha);
}
