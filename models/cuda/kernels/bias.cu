// The epilogue of a product in one pass, and its backward. Twin: models/cpu/bias.h.
#include "epilogue.h"
#include "reduce.h"

// y ← epilogue(α·Σ_s part[s] + β·y) on [m, n]; part is the splits of a product
// [splits, m, n]. One block a row. With one split, part may be y or pre.
KERNEL(finish, 256, 2)
(float *y, const float *part, int splits, int m, int n, int ldc, float alpha, float beta, const float *bias, float *pre, int act,
 const float *gate, int ldgate, const float *residual) {
    Epilogue e = {bias, pre, act, gate, ldgate, residual};
    i64 r = blockIdx.x, size = (i64)m * n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float f = 0;
        for (int s = 0; s < splits; s++) f += part[s * size + r * n + i];
        f *= alpha;
        if (beta != 0) f += beta * y[r * ldc + i];
        finish_element(y, f, r, i, ldc, e);
    }
}
EXPORT(finish, 256)

// dpre ← dy·act′(pre); the sum over rows [blockIdx.y·each, +each) goes to
// part[blockIdx.y], or is added to dbias where there is one chunk only.
KERNEL(bias_act_backward, 256, 4)
(float *dpre, float *dbias, float *part, const float *dy, const float *pre, int act, int rows, int n, int each) {
    SHARED(s);
    int i = blockIdx.x * 32 + (threadIdx.x & 31);
    i64 r = (i64)blockIdx.y * each, end = r + each < rows ? r + each : rows;
    float sum = 0;
    if (i < n)
        for (r += threadIdx.x >> 5; r < end; r += 8) {
            float v = dy[r * n + i];
            if (act != ACT_NONE) v *= slope(act, pre[r * n + i]);
            if (act != ACT_NONE || dpre != dy) dpre[r * n + i] = v;
            sum += v;
        }
    sum = column_sum_of_8(sum, s);
    if (i < n && threadIdx.x < 32) {
        if (gridDim.y == 1)
            dbias[i] += sum;
        else
            part[(i64)blockIdx.y * n + i] = sum;
    }
}
EXPORT(bias_act_backward, 256)

// dst[i] ← dst[i] + Σ_c part[c·ld + i]
KERNEL(column_sum, 256, 4)(float *dst, const float *part, int chunks, int n, int ld) {
    SHARED(s);
    int i = blockIdx.x * 32 + (threadIdx.x & 31);
    float sum = 0;
    if (i < n)
        for (int c = threadIdx.x >> 5; c < chunks; c += 8) sum += part[(i64)c * ld + i];
    sum = column_sum_of_8(sum, s);
    if (i < n && threadIdx.x < 32) dst[i] += sum;
}
EXPORT(column_sum, 256)

// y ← silu(x₁)·x₂ for rows of x₁ and x₂, n each. One block a row, here and below.
KERNEL(swiglu, 256, 4)(float *y, const float *x, int n) {
    const float *g = x + (i64)blockIdx.x * 2 * n, *u = g + n;
    float *o = y + (i64)blockIdx.x * n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) o[i] = silu(g[i]) * u[i];
}
EXPORT(swiglu, 256)

KERNEL(swiglu_backward, 256, 4)(float *dx, const float *dy, const float *x, int n) {
    const float *g = x + (i64)blockIdx.x * 2 * n, *u = g + n, *d = dy + (i64)blockIdx.x * n;
    float *o = dx + (i64)blockIdx.x * 2 * n, *q = o + n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float v = g[i], e = d[i];
        o[i] = e * u[i] * dsilu(v);
        q[i] = e * silu(v);
    }
}
EXPORT(swiglu_backward, 256)
