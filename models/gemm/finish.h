// What follows a product while its tile is in the first-level cache:
// v ← C + bias, pre ← v, C ← gate·act(v) + residual. The activations are package
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

// What a tile's finish will read and write beside it.
INLINE void K(ahead_of_finish)(const struct finish *f, long i, long rows, long j) {
    for (long r = i; r < i + rows; r++) {
        K(ahead)(f->pre ? f->pre + r * f->ldpre + j : 0, 0, 1, 1);
        K(ahead)(f->gate ? f->gate + r * f->ldgate + j : 0, 0, 1, 0);
        K(ahead)(f->residual ? f->residual + r * f->ldresidual + j : 0, 0, 1, 0);
    }
}

// A loop a part: the row of a tile stays in the first-level cache, and a loop
// that asks at every element what it has to do is not vectorised.
static void K(finish)(const struct product *g, long i, long rows, long j, long w) {
    const struct finish *f = g->finish;
    for (; rows; rows--, i++) {
        float *restrict c = g->c + i * g->ldc + j;
        if (f->bias) {
            const float *restrict bias = f->bias + j;
#pragma omp simd
            for (long x = 0; x < w; x++) c[x] += bias[x];
        }
        if (f->pre) {
            float *restrict pre = f->pre + i * f->ldpre + j;
#pragma omp simd
            for (long x = 0; x < w; x++) pre[x] = c[x];
        }
        if (f->act == ACT_SILU) {
#pragma omp simd
            for (long x = 0; x < w; x++) c[x] = K(act)(c[x], ACT_SILU);
        } else if (f->act == ACT_GELU) {
#pragma omp simd
            for (long x = 0; x < w; x++) c[x] = K(act)(c[x], ACT_GELU);
        }
        const float *restrict gate = f->gate ? f->gate + i * f->ldgate + j : 0;
        const float *restrict residual = f->residual ? f->residual + i * f->ldresidual + j : 0;
        if (gate && residual) {
#pragma omp simd
            for (long x = 0; x < w; x++) c[x] = c[x] * gate[x] + residual[x];
        } else if (gate) {
#pragma omp simd
            for (long x = 0; x < w; x++) c[x] *= gate[x];
        } else if (residual) {
#pragma omp simd
            for (long x = 0; x < w; x++) c[x] += residual[x];
        }
    }
}
