// What follows a convolution. Twin: models/cpu/pool.h.
#include "kcompat.h"

// A block a row.
KERNEL(max_pool, 256, 4)(float *y, const float *x, const float *scale, const float *shift, int group, int n) {
    i64 r = blockIdx.x;
    const float *p = x + r * group * n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float top = p[i];
        for (int g = 1; g < group; g++) top = p[(i64)g * n + i] > top ? p[(i64)g * n + i] : top;
        float v = scale[i] * top + shift[i];
        y[r * n + i] = v > 0 ? v : 0;
    }
}
EXPORT(max_pool, 256)

KERNEL(max_pool_backward, 256, 4)
(float *dx, const float *dy, const float *y, const float *x, const float *scale, int group, int n) {
    i64 r = blockIdx.x;
    const float *p = x + r * group * n;
    float *o = dx + r * group * n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float top = p[i], own = y[r * n + i] > 0 ? scale[i] * dy[r * n + i] : 0;
        int best = 0;
        for (int g = 1; g < group; g++)
            if (p[(i64)g * n + i] > top) top = p[(i64)g * n + i], best = g;
        for (int g = 0; g < group; g++) o[(i64)g * n + i] = g == best ? own : 0; // o may be p
    }
}
EXPORT(max_pool_backward, 256)
