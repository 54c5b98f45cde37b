// Rows of a table by index, and the cross entropy of a softmax. Twin: models/cpu/codes.h.
#include "reduce.h"
#include "scalar.h"

KERNEL(gather, 256, 4)(float *y, const float *table, const int *index, int n) {
    i64 r = blockIdx.x;
    const float *t = table + (i64)index[r] * n;
    float *o = y + r * n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) o[i] = t[i];
}
EXPORT(gather, 256)

// The first row of each index adds those of all rows with it, in their order.
KERNEL(gather_backward, 128, 4)(float *dtable, const float *dy, const int *index, int rows, int n) {
    int first = blockIdx.x, x = blockIdx.y * blockDim.x + threadIdx.x, own = index[first];
    for (int r = 0; r < first; r++)
        if (index[r] == own) return;
    if (x >= n) return;
    float sum = dtable[(i64)own * n + x];
    for (int r = first; r < rows; r++)
        if (index[r] == own) sum += dy[(i64)r * n + x];
    dtable[(i64)own * n + x] = sum;
}
EXPORT(gather_backward, 128)

KC_DEVICE float warp_max(float v) {
    for (int m = 16; m > 0; m >>= 1) {
        float w = kc_xor(v, m);
        v = w > v ? w : v;
    }
    return v;
}

// The largest v of the block, for every thread; part holds a float a warp.
KC_DEVICE float block_max(float v, float *part) {
    v = warp_max(v);
    u32 lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    if (warps == 1) {
        kc_warp_barrier(); // shuffles do not order what was read before them
        return v;
    }
    if (lane == 0) part[threadIdx.x >> 5] = v;
    kc_barrier();
    v = warp_max(part[lane < warps ? lane : 0]);
    kc_barrier();
    return v;
}

KERNEL(cross_entropy, 256, 4)(float *loss, float *grad, const float *x, const int *target, int n, float scale) {
    SHARED(s);
    i64 r = blockIdx.x;
    const float *p = x + r * n;
    float *g = grad + r * n;
    int own = target[r];
    float at = p[own], most = p[0], sum = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) most = p[i] > most ? p[i] : most;
    most = block_max(most, s); // past its barrier every thread has read p[own], which grad may be written over
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float e = exp_(p[i] - most);
        g[i] = e;
        sum += e;
    }
    sum = block_sum(sum, s + 32);
    float by = scale / sum;
    for (int i = threadIdx.x; i < n; i += blockDim.x) g[i] = g[i] * by - (i == own ? scale : 0.0f);
    if (threadIdx.x == 0) loss[r] = log_(sum) + (most - at);
}
EXPORT(cross_entropy, 256)
