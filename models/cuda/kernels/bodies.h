// What a block of a small kernel does, by its number: for the kernels of that name and for
// a chain of them (chain_bf16.cu). Rows have a block each.
#pragma once
#include "reduce.h"
#include "scalar.h"
#define NORM_EPS 1e-5f

// Mean and 1/σ of the row at x, by the block's first threads; with keep, held has a copy of
// it afterwards. A flag, since no pointer to shared memory can be compared with null: null
// lies in it.
KC_DEVICE void row_stats(const float *x, float *held, int keep, int n, int sphere, float *part, u32 threads, float *mean,
                         float *rstd) {
    float s = 0, q = 0;
    int first = threadIdx.x < threads ? threadIdx.x : n;
    if (!sphere || keep)
        for (int i = first; i < n; i += threads) {
            float v = x[i];
            if (keep) held[i] = v; // read again by this thread only
            s += v;
        }
    s = sphere ? 0.0f : block_sum_of(s, part, threads) / n;
    for (int i = first; i < n; i += threads) {
        float v = (keep ? held[i] : x[i]) - s;
        q += v * v;
    }
    *mean = s;
    *rstd = 1.0f / kc_sqrt(block_sum_of(q, part, threads) / n + NORM_EPS);
}

// By the block's first threads: how many there are decides the order of the sums.
KC_DEVICE void row_norm_block(float *s, i64 r, u32 threads, float *y, const float *x, const float *gain, const float *bias,
                              float *stats, int n, int sphere, int keep) {
    const float *p = x + r * n;
    float *held = s + 32, *q = y + r * n, m, d;
    row_stats(p, held, keep, n, sphere, s, threads, &m, &d);
    if (threadIdx.x == 0) stats[2 * r] = m, stats[2 * r + 1] = d;
    for (int i = threadIdx.x < threads ? threadIdx.x : n; i < n; i += threads) {
        float v = ((keep ? held[i] : p[i]) - m) * d;
        q[i] = gain ? v * gain[i] + bias[i] : v;
    }
}

// each rows in turn share a time.
KC_DEVICE void cond_act_block(i64 r, float *y, float *pre, const float *time, const float *cond, int each, int crows, int n) {
    const float *t = time + r / each * n, *c = cond + r % crows * n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float v = t[i] + c[i];
        if (pre) pre[r * n + i] = v;
        y[r * n + i] = silu(v);
    }
}

KC_DEVICE float velocity_of(const float *o, const float *null, float z, float guidance, float inv, i64 i) {
    float x = o[i];
    if (null) x += guidance * (x - null[i]);
    return inv != 0 ? (x - z) * inv : x;
}

// An Euler step: v as kernel velocity has it, z ← 1·z + dt·v as mix has it.
KC_DEVICE void flow_step_block(u32 number, float *z, float *v, const float *o, const float *null, float guidance, float inv,
                               float dt, i64 n) {
    FLAT_OF(number, i, n) {
        float at = z[i], u = velocity_of(o, null, at, guidance, inv, i);
        v[i] = u;
        z[i] = kc_add(at, kc_mul(dt, u));
    }
}

KC_DEVICE float class_added(float v, const float *c, int x) { return c ? v + c[x] : v; }

KC_DEVICE void embed_block(i64 row, float *u, const float *proj, const float *start, const float *inpos, const float *pos,
                           const float *cls, const int *labels, const int *order, int at, int n, int proj_at, int proj_tokens,
                           int width, int block) {
    i64 b = row / n;
    int i = at + (int)(row % n), j = i - block;
    float *o = u + row * width;
    const float *p = pos + (i64)order[i] * width, *c = cls ? cls + (i64)labels[b] * width : 0;
    if (j < 0) {
        const float *s = start + (i64)i * width;
        for (int x = threadIdx.x; x < width; x += blockDim.x) o[x] = class_added(pos ? s[x] + p[x] : s[x], c, x);
    } else {
        const float *s = proj + (b * proj_tokens + j - proj_at) * width, *q = inpos + (i64)order[j] * width;
        for (int x = threadIdx.x; x < width; x += blockDim.x) o[x] = class_added(pos ? s[x] + q[x] + p[x] : s[x], c, x);
    }
}

KC_DEVICE void copy_block(u32 number, float *dst, const float *src, i64 n) { FLAT_OF(number, i, n) dst[i] = src[i]; }

KC_DEVICE void copy2d_block(i64 r, float *dst, int ldd, const float *src, int lds, int n) {
    for (int i = threadIdx.x; i < n; i += blockDim.x) dst[r * ldd + i] = src[r * lds + i];
}
