// The red-black cycle of stabkit/multigrid/poisson_cycle.py for the 5-point Laplacian.
//
// Grids have their boundary: n rows of m points inside, (n + 2) x (m + 2) in memory.  Points with
// an even sum of indices are red.  A block works on a tile with a halo in shared memory, so a level
// is one launch down and one up; u is read from one array and written to another.
#define TILE 16
#define HALO 4
#define SIDE (TILE + 2 * HALO)

struct Tile {
    double *u, *b;
    long long n, m, top, left;  // the grid, and the place of the first point in memory

    __device__ bool inside(int r, int c) const {
        return top + r >= 1 && top + r <= n && left + c >= 1 && left + c <= m;
    }
    __device__ bool red(int r, int c) const { return ((top + r + left + c) & 1) == 0; }
    __device__ double relaxed(int r, int c) const {
        int at = r * SIDE + c;
        return 0.25 * (b[at] + u[at - 1] + u[at + 1] + u[at - SIDE] + u[at + SIDE]);
    }
    __device__ double residual(int r, int c) const {  // divided by 4; 0 where it is rounding
        return inside(r, c) && red(r, c) ? relaxed(r, c) - u[r * SIDE + c] : 0.0;
    }
    // Relax the points of one colour at least `ring` points away from the edge of the tile.
    __device__ void relax(bool colour, int ring) const {
        for (int at = threadIdx.x; at < SIDE * SIDE; at += blockDim.x) {
            int r = at / SIDE, c = at % SIDE;
            if (r >= ring && r < SIDE - ring && c >= ring && c < SIDE - ring && inside(r, c) &&
                red(r, c) == colour)
                u[at] = relaxed(r, c);
        }
        __syncthreads();
    }
};

__device__ inline Tile loaded(char *memory, const double *u, const double *b, long long n,
                              long long m) {
    long long across = (m + TILE - 1) / TILE;
    Tile tile = {(double *)memory, (double *)memory + SIDE * SIDE, n, m,
                 blockIdx.x / across * TILE + 1 - HALO, blockIdx.x % across * TILE + 1 - HALO};
    for (int at = threadIdx.x; at < SIDE * SIDE; at += blockDim.x) {
        int r = at / SIDE, c = at % SIDE;
        long long place = (tile.top + r) * (m + 2) + tile.left + c;
        bool inside = tile.inside(r, c);
        tile.u[at] = inside ? u[place] : 0.0;
        tile.b[at] = inside ? b[place] : 0.0;
    }
    __syncthreads();
    return tile;
}

__device__ inline void stored(const Tile &tile, double *u) {
    for (int at = threadIdx.x; at < TILE * TILE; at += blockDim.x) {
        int r = at / TILE + HALO, c = at % TILE + HALO;
        if (tile.inside(r, c)) u[(tile.top + r) * (tile.m + 2) + tile.left + c] = tile.u[r * SIDE + c];
    }
}

// Relax red, then black; restrict the residual to the right-hand side of the coarse grid.
extern "C" __global__ void descend(const double *u_in, double *u_out, const double *b,
                                   double *coarse_b, long long n, long long m) {
    extern __shared__ __align__(16) char memory[];
    Tile tile = loaded(memory, u_in, b, n, m);
    tile.relax(true, 1);
    tile.relax(false, 2);
    stored(tile, u_out);
    for (int at = threadIdx.x; at < TILE * TILE; at += blockDim.x) {
        int r = at / TILE + HALO, c = at % TILE + HALO;
        long long i = tile.top + r, j = tile.left + c;
        if (i % 2 || j % 2 || i >= n || j >= m) continue;
        coarse_b[i / 2 * ((m - 1) / 2 + 2) + j / 2] = 4.0 * tile.residual(r, c) +
            ((tile.residual(r - 1, c - 1) + tile.residual(r - 1, c + 1)) +
             (tile.residual(r + 1, c - 1) + tile.residual(r + 1, c + 1)));
    }
}

// Add the interpolated correction to black points; relax red, then black.
extern "C" __global__ void ascend(const double *u_in, double *u_out, const double *b,
                                  const double *coarse, long long n, long long m) {
    extern __shared__ __align__(16) char memory[];
    Tile tile = loaded(memory, u_in, b, n, m);
    long long width = (m - 1) / 2 + 2;
    for (int at = threadIdx.x; at < SIDE * SIDE; at += blockDim.x) {
        int r = at / SIDE, c = at % SIDE;
        if (!tile.inside(r, c) || tile.red(r, c)) continue;
        long long i = tile.top + r, j = tile.left + c;
        const double *first = coarse + i / 2 * width + j / 2;
        tile.u[at] += 0.5 * (first[0] + first[i % 2 ? width : 1]);
    }
    __syncthreads();
    tile.relax(true, 1);
    tile.relax(false, 2);
    stored(tile, u_out);
}

// Red-black sweeps on a small grid, by one block.
extern "C" __global__ void relax(double *u, const double *b, long long n, long long m,
                                 long long sweeps) {
    for (long long half = 0; half < 2 * sweeps; half++) {
        for (long long point = threadIdx.x; point < n * m; point += blockDim.x) {
            long long i = point / m + 1, j = point % m + 1, at = i * (m + 2) + j;
            if (((i + j) & 1) == (half & 1))
                u[at] = 0.25 * (b[at] + u[at - 1] + u[at + 1] + u[at - m - 2] + u[at + m + 2]);
        }
        __syncthreads();
    }
}

// Per block the sum of (residual/4)^2.
extern "C" __global__ void residual_squares(const double *u, const double *b, double *sums,
                                            long long n, long long m) {
    extern __shared__ __align__(16) char memory[];
    double *parts = (double *)memory, total = 0.0;
    long long stride = (long long)gridDim.x * blockDim.x;
    for (long long point = blockIdx.x * (long long)blockDim.x + threadIdx.x; point < n * m;
         point += stride) {
        long long at = (point / m + 1) * (m + 2) + point % m + 1;
        double r = 0.25 * (b[at] + u[at - 1] + u[at + 1] + u[at - m - 2] + u[at + m + 2]) - u[at];
        total += r * r;
    }
    parts[threadIdx.x] = total;
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {  // blockDim.x is a power of 2
        __syncthreads();
        if (threadIdx.x < half) parts[threadIdx.x] += parts[threadIdx.x + half];
    }
    if (threadIdx.x == 0) sums[blockIdx.x] = parts[0];
}
