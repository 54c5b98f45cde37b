// The flow head's condition, the noise mixes, the losses and the velocity.
// Twin: models/cpu/flow.h.
#include "bodies.h"

KERNEL(cond_act, 256, 4)(float *y, float *pre, const float *time, const float *cond, int each, int crows, int n) {
    cond_act_block(blockIdx.x, y, pre, time, cond, each, crows, n);
}
EXPORT(cond_act, 256)

KERNEL(cond_act_backward, 256, 4)(float *dtime, float *dcond, const float *dy, const float *pre, int rows, int crows, int n) {
    int i = blockIdx.y * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float sum = 0;
    for (i64 r = blockIdx.x; r < rows; r += crows) {
        float v = dy[r * n + i] * dsilu(pre[r * n + i]);
        dtime[r * n + i] = v;
        sum += v;
    }
    dcond[(i64)blockIdx.x * n + i] = sum;
}
EXPORT(cond_act_backward, 256)

KERNEL(row_mix, 256, 4)(float *dst, const float *a, const float *x, const float *b, const float *y, int n, int xrows) {
    i64 r = blockIdx.x;
    float p = a[r], q = b[r];
    const float *u = x + r % xrows * n, *v = y + r * n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) dst[r * n + i] = p * u[i] + q * v[i];
}
EXPORT(row_mix, 256)

KERNEL(mix, 256, 4)(float *dst, float a, const float *x, float b, const float *y, i64 n) {
    FLAT(i, n) dst[i] = kc_add(kc_mul(a, x[i]), kc_mul(b, y[i])); // rounded as flow_step rounds
}
EXPORT(mix, 256)

KERNEL(weighted_error, 256, 4)
(float *loss, float *grad, const float *pred, const float *target, const float *w, int n, int trows, float scale, int absolute) {
    SHARED(s);
    i64 r = blockIdx.x;
    const float *p = pred + r * n, *t = target + r % trows * n;
    float by = w[r], sum = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float e = by * (p[i] - t[i]);
        sum += absolute ? (e < 0 ? -e : e) : e * e;
        grad[r * n + i] = !absolute ? 2.0f * scale * by * e : e > 0 ? scale * by : e < 0 ? -scale * by : 0;
    }
    sum = block_sum(sum, s);
    if (threadIdx.x == 0) loss[r] = sum;
}
EXPORT(weighted_error, 256)

KERNEL(velocity, 256, 4)(float *v, const float *o, const float *null, const float *z, float guidance, float inv, i64 n) {
    FLAT(i, n) v[i] = velocity_of(o, null, inv != 0 ? z[i] : 0.0f, guidance, inv, i);
}
EXPORT(velocity, 256)

KERNEL(flow_step, 256, 4)(float *z, float *v, const float *o, const float *null, float guidance, float inv, float dt, i64 n) {
    flow_step_block(blockIdx.x, z, v, o, null, guidance, inv, dt, n);
}
EXPORT(flow_step, 256)

// 2^x in double for −64 < x ≤ 64, relative error about 1e-13.
KC_DEVICE double exp2_double(double x) {
    int n = (int)(x < 0 ? x - 0.5 : x + 0.5);
    double r = (x - n) * 0.693147180559945309, p = 1.0, term = 1.0;
    for (int k = 1; k <= 12; k++) {
        term = term * r / k;
        p += term;
    }
    return p * kc_power2(n);
}

// cos and sin of a, |a| < 10⁴: a = q·π/2 + r in three parts of π/2 (Cody and
// Waite), polynomials of Cephes on |r| ≤ π/4, then the quadrant.
KC_DEVICE void cos_sin(float a, float *c, float *s) {
    float q = a * 0.636619772f + 12582912.0f;
    q -= 12582912.0f;
    float r = a - q * 1.5703125f;
    r -= q * 4.837512969970703125e-4f;
    r -= q * 7.54978995489188216e-8f;
    float z = r * r;
    float sn = -1.9515295891e-4f, cs = 2.443315711809948e-5f;
    sn = sn * z + 8.3321608736e-3f;
    sn = sn * z - 1.6666654611e-1f;
    sn = sn * z * r + r;
    cs = cs * z - 1.388731625493765e-3f;
    cs = cs * z + 4.166664568298827e-2f;
    cs = cs * z * z - 0.5f * z + 1.0f;
    int k = (int)q;
    float x = k & 1 ? sn : cs, y = k & 1 ? cs : sn;
    *c = (k + 1) & 2 ? -x : x;
    *s = k & 2 ? -y : y;
}

// out[r, i] = cos(t_r·ω_i), out[r, dim/2+i] = sin(t_r·ω_i), ω_i = 100·1000^(−2i/dim).
KERNEL(sinusoid, 256, 4)(float *out, const float *t, int dim) {
    i64 r = blockIdx.x;
    int half = dim / 2;
    for (int i = threadIdx.x; i < half; i += blockDim.x) {
        float w = (float)(100.0 * exp2_double(-9.96578428466208705 * i / half)); // log2(1000)
        float c, s;
        cos_sin(t[r] * w, &c, &s);
        out[r * dim + i] = c;
        out[r * dim + half + i] = s;
    }
}
EXPORT(sinusoid, 256)
