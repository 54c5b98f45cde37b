// What follows a product while its tile is in the first-level cache:
// v ← C + bias, pre ← v, C ← act(v) + residual. The activations are package
// cpu's.
INLINE float K(sigmoid)(float x) { // exp as in package cpu: relative error < 2e-7
    float e = -x;
    e = e > 88.0f ? 88.0f : e;
    e = e < -87.0f ? -87.0f : e;
    float n = e * 1.44269504f + 12582912.0f; // round to nearest by the magic constant
    n -= 12582912.0f;
    float r = e - n * 0.693359375f;
    r -= n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    union {
        int32_t i;
        float f;
    } s;
    s.i = ((int32_t)n + 127) << 23;
    return 1.0f / (1.0f + p * s.f);
}

INLINE float K(act)(float x, const int act) {
    if (act == ACT_SILU) return x * K(sigmoid)(x);
    if (act == ACT_GELU) return x * K(sigmoid)(1.5957691216f * (x + 0.044715f * x * x * x));
    return x;
}

INLINE void K(finish_row)(float *c, const float *bias, float *pre, const float *residual, long w, const int act) {
#pragma omp simd
    for (long j = 0; j < w; j++) {
        float v = c[j];
        if (bias) v += bias[j];
        if (pre) pre[j] = v;
        v = K(act)(v, act);
        if (residual) v += residual[j];
        c[j] = v;
    }
}

static void K(finish)(const struct product *g, long i, long rows, long j, long w) {
    const struct finish *f = g->finish;
    for (; rows; rows--, i++) {
        float *c = g->c + i * g->ldc + j, *pre = f->pre ? f->pre + i * f->ldpre + j : 0;
        const float *bias = f->bias ? f->bias + j : 0, *residual = f->residual ? f->residual + i * f->ldresidual + j : 0;
        if (f->act == ACT_SILU)
            K(finish_row)(c, bias, pre, residual, w, ACT_SILU);
        else if (f->act == ACT_GELU)
            K(finish_row)(c, bias, pre, residual, w, ACT_GELU);
        else
            K(finish_row)(c, bias, pre, residual, w, ACT_NONE);
    }
}
