// Row normalisations: plain, affine and modulated (adaLN). One block a row, the
// row in shared memory where it fits. Twin: models/cpu/norm.h.
#include "bodies.h"

KERNEL(row_norm, 256, 4)
(float *y, const float *x, const float *gain, const float *bias, float *stats, int n, int sphere, int keep) {
    SHARED(s);
    row_norm_block(s, blockIdx.x, blockDim.x, y, x, gain, bias, stats, n, sphere, keep);
}
EXPORT(row_norm, 256)

// dx = rstd·(g − mean(g) − x̂·mean(g·x̂)), g = dy·gain; the sphere has no mean(g).
// A block serves each rows; with gain it leaves its sums of dy·x̂ and dy in
// part[blockIdx.x] [2n]: every thread sums its own columns, in shared memory
// (hold) or, for rows too long for that, in place. keep: rows of x̂ and dy fit too.
KERNEL(norm_backward, 256, 2)
(float *dx, float *part, const float *dy, const float *x, const float *gain, const float *stats, int rows, int n, int sphere,
 int add, int each, int keep, int hold) {
    SHARED(s);
    float *red = s, *kx = s + 64, *kd = kx + n, *acc = part + (i64)blockIdx.x * 2 * n, *sums = hold ? s + 64 + keep * 2 * n : acc;
    i64 r = (i64)blockIdx.x * each, end = r + each < rows ? r + each : rows;
    if (gain)
        for (int i = threadIdx.x; i < n; i += blockDim.x) sums[i] = sums[n + i] = 0;
    for (; r < end; r++) {
        const float *p = x + r * n, *d = dy + r * n;
        float *o = dx + r * n, m = stats[2 * r], t = stats[2 * r + 1], a = 0, b = 0;
        for (int i = threadIdx.x; i < n; i += blockDim.x) {
            float xn = (p[i] - m) * t, v = d[i];
            if (keep) kx[i] = xn, kd[i] = v;
            float g = v;
            if (gain) {
                g *= gain[i];
                sums[i] += v * xn;
                sums[n + i] += v;
            }
            a += g;
            b += g * xn;
        }
        a = sphere ? 0.0f : block_sum(a, red) / n;
        b = block_sum(b, red + 32) / n;
        for (int i = threadIdx.x; i < n; i += blockDim.x) {
            float xn = keep ? kx[i] : (p[i] - m) * t, g = keep ? kd[i] : d[i];
            if (gain) g *= gain[i];
            float v = t * (g - a - xn * b);
            o[i] = add ? o[i] + v : v;
        }
    }
    if (gain && hold)
        for (int i = threadIdx.x; i < n; i += blockDim.x) acc[i] = sums[i], acc[n + i] = sums[n + i];
}
EXPORT(norm_backward, 256)

// each rows in turn share a row of mod, here and below.
KERNEL(mod_norm, 256, 4)
(float *y, const float *x, float *stats, const float *mod, int ldmod, int shift_off, int scale_off, int n, int each, int keep) {
    SHARED(s);
    i64 r = blockIdx.x;
    const float *p = x + r * n, *own = mod + (i64)(blockIdx.x / each) * ldmod, *shift = own + shift_off, *scale = own + scale_off;
    float *held = s + 32, *q = y + r * n, m, d;
    row_stats(p, held, keep, n, 0, s, blockDim.x, &m, &d);
    if (threadIdx.x == 0) stats[2 * r] = m, stats[2 * r + 1] = d;
    for (int i = threadIdx.x; i < n; i += blockDim.x) q[i] = ((keep ? held[i] : p[i]) - m) * d * (1.0f + scale[i]) + shift[i];
}
EXPORT(mod_norm, 256)

// A block serves the rows of a modulation, each thread its own columns of dmod.
KERNEL(mod_norm_backward, 256, 4)
(float *dx, float *dmod, const float *dy, const float *x, const float *stats, const float *mod, int ldmod, int shift_off,
 int scale_off, int n, int each, int add, int keep) {
    SHARED(s);
    float *red = s, *kx = s + 64, *kg = kx + n;
    i64 first = (i64)blockIdx.x * each;
    const float *scale = mod + (i64)blockIdx.x * ldmod + scale_off;
    float *dshift = dmod + (i64)blockIdx.x * ldmod + shift_off, *dscale = dmod + (i64)blockIdx.x * ldmod + scale_off;
    for (i64 r = first; r < first + each; r++) {
        const float *p = x + r * n, *d = dy + r * n;
        float *o = dx + r * n;
        float m = stats[2 * r], t = stats[2 * r + 1], a = 0, b = 0;
        for (int i = threadIdx.x; i < n; i += blockDim.x) {
            float xn = (p[i] - m) * t, v = d[i], g = v * (1.0f + scale[i]);
            if (keep) kx[i] = xn, kg[i] = g;
            dshift[i] = r == first ? v : dshift[i] + v;
            dscale[i] = r == first ? v * xn : dscale[i] + v * xn;
            a += g;
            b += g * xn;
        }
        a = block_sum(a, red) / n;
        b = block_sum(b, red + 32) / n;
        for (int i = threadIdx.x; i < n; i += blockDim.x) {
            float xn = keep ? kx[i] : (p[i] - m) * t, g = keep ? kg[i] : d[i] * (1.0f + scale[i]);
            float v = t * (g - a - xn * b);
            o[i] = add ? o[i] + v : v;
        }
    }
}
EXPORT(mod_norm_backward, 256)

// y ← x + gate·f with gate = mod[r / each, off:].
KERNEL(gate, 256, 4)(float *y, const float *x, const float *f, const float *mod, int ldmod, int off, int n, int each) {
    i64 r = blockIdx.x;
    const float *p = x + r * n, *q = f + r * n, *g = mod + (i64)(blockIdx.x / each) * ldmod + off;
    float *o = y + r * n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) o[i] = p[i] + g[i] * q[i];
}
EXPORT(gate, 256)

// df ← gate·dout, dmod[k, off:] ← Σ f·dout over the rows of modulation k.
KERNEL(gate_backward, 256, 4)
(float *df, float *dmod, const float *dout, const float *f, const float *mod, int ldmod, int off, int n, int each) {
    i64 first = (i64)blockIdx.x * each;
    const float *g = mod + (i64)blockIdx.x * ldmod + off;
    float *dg = dmod + (i64)blockIdx.x * ldmod + off;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float sum = 0, by = g[i];
        for (i64 r = first; r < first + each; r++) {
            float v = dout[r * n + i], w = f[r * n + i];
            df[r * n + i] = by * v;
            sum = r == first ? w * v : sum + w * v;
        }
        dg[i] = sum;
    }
}
EXPORT(gate_backward, 256)

KERNEL(rms_norm, 256, 4)(float *y, const float *x, const float *gain, float *stats, int n, float eps, int keep) {
    SHARED(s);
    i64 r = blockIdx.x;
    const float *p = x + r * n;
    float *held = s + 32, *o = y + r * n, q = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float v = p[i];
        if (keep) held[i] = v; // read again by this thread only
        q += v * v;
    }
    float d = 1.0f / kc_sqrt(block_sum(q, s) / n + eps);
    if (threadIdx.x == 0) stats[r] = d;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float v = (keep ? held[i] : p[i]) * d;
        o[i] = gain ? v * gain[i] : v;
    }
}
EXPORT(rms_norm, 256)

// dx = rstd·(g − x̂·mean(g·x̂)), g = dy·gain; each, keep, hold and part as in
// norm_backward, part [n].
KERNEL(rms_norm_backward, 256, 2)
(float *dx, float *part, const float *dy, const float *x, const float *gain, const float *stats, int rows, int n, int add, int each,
 int keep, int hold) {
    SHARED(s);
    float *kx = s + 32, *kd = kx + n, *acc = part + (i64)blockIdx.x * n, *sums = hold ? s + 32 + keep * 2 * n : acc;
    i64 r = (i64)blockIdx.x * each, end = r + each < rows ? r + each : rows;
    if (gain)
        for (int i = threadIdx.x; i < n; i += blockDim.x) sums[i] = 0;
    for (; r < end; r++) {
        const float *p = x + r * n, *d = dy + r * n;
        float *o = dx + r * n, t = stats[r], b = 0;
        for (int i = threadIdx.x; i < n; i += blockDim.x) {
            float xn = p[i] * t, v = d[i], g = gain ? v * gain[i] : v;
            if (keep) kx[i] = xn, kd[i] = g;
            if (gain) sums[i] += v * xn;
            b += g * xn;
        }
        b = block_sum(b, s) / n;
        for (int i = threadIdx.x; i < n; i += blockDim.x) {
            float xn = keep ? kx[i] : p[i] * t, g = keep ? kd[i] : gain ? d[i] * gain[i] : d[i];
            float v = t * (g - xn * b);
            o[i] = add ? o[i] + v : v;
        }
    }
    if (gain && hold)
        for (int i = threadIdx.x; i < n; i += blockDim.x) acc[i] = sums[i];
}
EXPORT(rms_norm_backward, 256)
