// The red-black cycle of stabkit/multigrid/poisson_cycle.py for the 5-point Laplacian.
//
// A grid has rows 1 ... n of points 1 ... m in memory; beyond them it is 0.  Points with an even sum
// of indices are red.  On large grids a block works on a tile with a halo in shared memory, so a
// level is one launch down and one up; u is read from one array and written to another.  The small
// grids, all levels of them, are one launch of one block.
#define TILE 32
#define HALO 4
#define SIDE (TILE + 2 * HALO)
#define LEVELS 16  // of one block at most

struct Grid {
    const double *values;
    long long n, m;

    __device__ bool has(long long i, long long j) const {
        return i >= 1 && i <= n && j >= 1 && j <= m;
    }
    __device__ double operator()(long long i, long long j) const {
        return has(i, j) ? values[(i - 1) * m + j - 1] : 0.0;
    }
    __device__ double around(const Grid &b, long long i, long long j) const {
        const Grid &u = *this;
        return 0.25 * (b(i, j) + u(i, j - 1) + u(i, j + 1) + u(i - 1, j) + u(i + 1, j));
    }
};

// Part of a grid in shared memory, or all of it with its boundary.
struct Tile {
    double *u, *b;
    int rows, columns;        // in memory
    long long n, m, top, left;  // the grid, and the place in it of the first point in memory

    __device__ bool inside(int r, int c) const {
        return top + r >= 1 && top + r <= n && left + c >= 1 && left + c <= m;
    }
    __device__ bool red(int r, int c) const { return ((top + r + left + c) & 1) == 0; }
    __device__ double operator()(long long i, long long j) const {
        return u[(i - top) * columns + j - left];
    }
    __device__ double relaxed(int r, int c) const {
        int at = r * columns + c;
        return 0.25 * (b[at] + u[at - 1] + u[at + 1] + u[at - columns] + u[at + columns]);
    }
    __device__ double residual(int r, int c) const {  // divided by 4; 0 where it is rounding
        return inside(r, c) && red(r, c) ? relaxed(r, c) - u[r * columns + c] : 0.0;
    }
    __device__ double restricted(int r, int c) const {  // 4 times full weighting
        return 4.0 * residual(r, c) + ((residual(r - 1, c - 1) + residual(r - 1, c + 1)) +
                                       (residual(r + 1, c - 1) + residual(r + 1, c + 1)));
    }
    __device__ void load(const Grid &from, const Grid &right, bool zero) const {
        for (int at = threadIdx.x; at < rows * columns; at += blockDim.x) {
            long long i = top + at / columns, j = left + at % columns;
            u[at] = zero ? 0.0 : from(i, j);
            b[at] = right(i, j);
        }
        __syncthreads();
    }
    // Points `edge` away from the ends of the tile.
    __device__ void store(double *to, int edge) const {
        for (int at = threadIdx.x; at < rows * columns; at += blockDim.x) {
            int r = at / columns, c = at % columns;
            if (r >= edge && r < rows - edge && c >= edge && c < columns - edge && inside(r, c))
                to[(top + r - 1) * m + left + c - 1] = u[at];
        }
    }
    // Red, then black.  Points near the ends of the tile are left out, as their neighbours are.
    __device__ void relax() const {
        for (int ring = 1; ring <= 2; ring++) {
            int end = top == 0 && left == 0 && rows == n + 2 && columns == m + 2 ? 1 : ring;
            for (int at = threadIdx.x; at < rows * columns; at += blockDim.x) {
                int r = at / columns, c = at % columns;
                if (r >= end && r < rows - end && c >= end && c < columns - end && inside(r, c) &&
                    red(r, c) == (ring == 1))
                    u[at] = relaxed(r, c);
            }
            __syncthreads();
        }
    }
    // Add the interpolated correction to black points; red ones are about to be replaced.
    template <class Coarse> __device__ void correct(const Coarse &coarse) const {
        for (int at = threadIdx.x; at < rows * columns; at += blockDim.x) {
            int r = at / columns, c = at % columns;
            if (!inside(r, c) || red(r, c)) continue;
            long long i = top + r, j = left + c;
            u[at] += 0.5 * (coarse(i / 2, j / 2) + coarse((i + 1) / 2, (j + 1) / 2));
        }
        __syncthreads();
    }
};

__device__ inline Tile tile_of_block(char *memory, long long n, long long m) {
    long long across = (m + TILE - 1) / TILE;
    return {(double *)memory, (double *)memory + SIDE * SIDE, SIDE, SIDE, n, m,
            blockIdx.x / across * TILE + 1 - HALO, blockIdx.x % across * TILE + 1 - HALO};
}

// The sum over a block, in a fixed order, to sums[block]; blockDim.x is a power of 2.
__device__ inline void sum_up(double *parts, double mine, double *sums) {
    parts[threadIdx.x] = mine;
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) parts[threadIdx.x] += parts[threadIdx.x + half];
    }
    if (threadIdx.x == 0) sums[blockIdx.x] = parts[0];
}

// Relax, and restrict the residual to the right-hand side of the coarse grid.
extern "C" __global__ void descend(const double *u_in, double *u_out, const double *b,
                                   double *coarse_b, long long n, long long m, long long zero) {
    extern __shared__ __align__(16) char memory[];
    Tile tile = tile_of_block(memory, n, m);
    tile.load({u_in, n, m}, {b, n, m}, zero);
    tile.relax();
    tile.store(u_out, HALO);
    for (int at = threadIdx.x; at < TILE * TILE; at += blockDim.x) {
        int r = at / TILE + HALO, c = at % TILE + HALO;
        long long i = tile.top + r, j = tile.left + c;
        if (i % 2 || j % 2 || i >= n || j >= m) continue;
        coarse_b[(i / 2 - 1) * ((m - 1) / 2) + j / 2 - 1] = tile.restricted(r, c);
    }
}

// Correct and relax; per block the sum of (residual/4)^2 of the red points.
extern "C" __global__ void ascend(const double *u_in, double *u_out, const double *b,
                                  const double *coarse, double *sums, long long n, long long m) {
    extern __shared__ __align__(16) char memory[];
    Tile tile = tile_of_block(memory, n, m);
    tile.load({u_in, n, m}, {b, n, m}, false);
    tile.correct(Grid{coarse, (n - 1) / 2, (m - 1) / 2});
    tile.relax();
    tile.store(u_out, HALO);
    double total = 0.0;
    for (int at = threadIdx.x; at < TILE * TILE; at += blockDim.x) {
        double r = tile.residual(at / TILE + HALO, at % TILE + HALO);
        total += r * r;
    }
    sum_up(tile.b + SIDE * SIDE, total, sums);
}

// The whole cycle on a grid that is small enough: one block, all levels in shared memory.
extern "C" __global__ void bottom(const double *u_in, double *u_out, const double *b, long long n,
                                  long long m, long long zero, long long levels,
                                  long long sweeps) {
    extern __shared__ __align__(16) char memory[];
    Tile grids[LEVELS];
    double *next = (double *)memory;
    for (int level = 0; level < levels; level++) {
        long long points = (n + 2) * (m + 2);
        grids[level] = {next, next + points, (int)n + 2, (int)m + 2, n, m, 0, 0};
        next += 2 * points;
        n = (n - 1) / 2;
        m = (m - 1) / 2;
    }
    grids[0].load({u_in, grids[0].n, grids[0].m}, {b, grids[0].n, grids[0].m}, zero);
    for (int level = 0; level + 1 < levels; level++) {
        const Tile &fine = grids[level], &coarse = grids[level + 1];
        fine.relax();
        for (int at = threadIdx.x; at < coarse.rows * coarse.columns; at += blockDim.x) {
            int r = at / coarse.columns, c = at % coarse.columns;
            coarse.u[at] = 0.0;
            coarse.b[at] = coarse.inside(r, c) ? fine.restricted(2 * r, 2 * c) : 0.0;
        }
        __syncthreads();
    }
    for (long long sweep = 0; sweep < sweeps; sweep++) grids[levels - 1].relax();
    for (int level = (int)levels - 2; level >= 0; level--) {
        grids[level].correct(grids[level + 1]);
        grids[level].relax();
    }
    grids[0].store(u_out, 1);
}

// Red-black sweeps by one block, in place, on a coarsest grid that is too long for `bottom`.
extern "C" __global__ void relax(double *u, const double *b, long long n, long long m,
                                 long long sweeps) {
    const Grid now = {u, n, m}, right = {b, n, m};
    for (long long half = 0; half < 2 * sweeps; half++) {
        for (long long point = threadIdx.x; point < n * m; point += blockDim.x) {
            long long i = point / m + 1, j = point % m + 1;
            if (((i + j) & 1) == (half & 1)) u[point] = now.around(right, i, j);
        }
        __syncthreads();
    }
}

// Per block the sum of (residual/4)^2.
extern "C" __global__ void residual_squares(const double *u, const double *b, double *sums,
                                            long long n, long long m) {
    extern __shared__ __align__(16) char memory[];
    const Grid now = {u, n, m}, right = {b, n, m};
    double total = 0.0;
    long long stride = (long long)gridDim.x * blockDim.x;
    for (long long point = blockIdx.x * (long long)blockDim.x + threadIdx.x; point < n * m;
         point += stride) {
        double r = now.around(right, point / m + 1, point % m + 1) - u[point];
        total += r * r;
    }
    sum_up((double *)memory, total, sums);
}
