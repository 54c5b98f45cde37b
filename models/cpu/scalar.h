// Scalar building blocks that the compiler vectorises: no branches, no calls.
#include <stdint.h>

static inline float K(expf)(float x) { // relative error < 2e-7 for |x| < 87
    x = x > 88.0f ? 88.0f : x;
    x = x < -87.0f ? -87.0f : x;
    float n = x * 1.44269504f + 12582912.0f; // round to nearest by the magic constant
    n -= 12582912.0f;
    float r = x - n * 0.693359375f;
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
    return p * s.f;
}

static inline float K(sigmoid)(float x) { return 1.0f / (1.0f + K(expf)(-x)); }

static inline float K(silu)(float x) { return x * K(sigmoid)(x); }

static inline float K(dsilu)(float x) {
    float s = K(sigmoid)(x);
    return s * (1.0f + x * (1.0f - s));
}

// tanh form of GELU through σ: ½(1 + tanh u) = σ(2u)
static inline float K(gelu)(float x) { return x * K(sigmoid)(1.5957691216f * (x + 0.044715f * x * x * x)); }

static inline float K(dgelu)(float x) {
    float s = K(sigmoid)(1.5957691216f * (x + 0.044715f * x * x * x));
    return s + x * s * (1.0f - s) * 1.5957691216f * (1.0f + 0.134145f * x * x);
}
