// CUDA kernels as host code: enough of the language for stabkit/kernels/cuda.
//
// The threads of a block are coroutines; __syncthreads() hands over to the next one.  Threads run in
// rising or in falling order, so a barrier that is missing shows as two different results, and a
// barrier that only some threads reach is reported.
#pragma once
#include <ucontext.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

using std::fabs;
using std::fma;
using std::sqrt;

#define __global__
#define __device__
#define __shared__
#define __align__(n) __attribute__((aligned(n)))

struct Index { unsigned x; };
static Index threadIdx, blockIdx, blockDim, gridDim;

__attribute__((aligned(16))) char memory[49152];

static inline double __longlong_as_double(long long bits) {
    double x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}
static inline long long __double_as_longlong(double x) {
    long long bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

namespace host {
ucontext_t scheduler;
struct Thread {
    ucontext_t context;
    bool finished;
};
std::vector<Thread> threads;
std::vector<char> stacks;
std::function<void()> body;
unsigned current;
const size_t STACK = 1 << 15;

void start() {
    body();
    threads[current].finished = true;
    swapcontext(&threads[current].context, &scheduler);
}

// Runs every thread up to its next barrier, until all are finished; false if some wait in vain.
bool block(bool falling) {
    const unsigned count = blockDim.x;
    for (unsigned t = 0; t < count; t++) {
        Thread &thread = threads[t];
        thread.finished = false;
        getcontext(&thread.context);
        thread.context.uc_stack.ss_sp = &stacks[t * STACK];
        thread.context.uc_stack.ss_size = STACK;
        thread.context.uc_link = nullptr;
        makecontext(&thread.context, start, 0);
    }
    for (unsigned finished = 0; finished == 0;) {
        for (unsigned k = 0; k < count; k++) {
            current = threadIdx.x = falling ? count - 1 - k : k;
            swapcontext(&scheduler, &threads[current].context);
        }
        for (Thread &thread : threads) finished += thread.finished;
        if (finished > 0 && finished < count) return false;
    }
    return true;
}

template <class... A, std::size_t... I>
void call(void (*kernel)(A...), void **arguments, std::index_sequence<I...>) {
    kernel(*static_cast<std::remove_reference_t<A> *>(arguments[I])...);
}

template <class... A>
int launch(void (*kernel)(A...), unsigned blocks, unsigned count, void **arguments, int falling) {
    gridDim.x = blocks;
    blockDim.x = count;
    threads.resize(count);
    stacks.resize(count * STACK);
    body = [=] { call(kernel, arguments, std::index_sequence_for<A...>()); };
    for (unsigned b = 0; b < blocks; b++) {
        blockIdx.x = falling ? blocks - 1 - b : b;
        std::memset(memory, 0xff, sizeof memory);  // NaN: what was not written is not read
        if (!block(falling)) return 1;
    }
    return 0;
}
}  // namespace host

static inline void __syncthreads() {
    swapcontext(&host::threads[host::current].context, &host::scheduler);
    threadIdx.x = host::current;
}

#define LAUNCH(name)                                                                             \
    extern "C" int launch_##name(unsigned blocks, unsigned count, void **arguments, int falling) { \
        return host::launch(name, blocks, count, arguments, falling);                            \
    }
