// Scalar building blocks, as accurate as those of models/cpu/scalar.h: no
// approximate instruction, divisions and roots correctly rounded.
#pragma once
#include "kcompat.h"

enum { ACT_NONE, ACT_SILU, ACT_GELU };

KC_DEVICE float exp_(float x) { // relative error < 2e-7 for |x| < 87
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
    return p * kc_from_bits((u32)((int)n + 127) << 23);
}

// Natural logarithm of a positive normal number (Cephes, as in noise.cu).
KC_DEVICE float log_(float u) {
    int b = (int)kc_bits(u), e = (b - 0x3f3504f3) >> 23; // 0x3f3504f3 is √½
    float x = kc_from_bits((u32)(b - e * (1 << 23))) - 1.0f, z = x * x, p = 7.0376836292e-2f, k = (float)e;
    p = p * x - 1.1514610310e-1f;
    p = p * x + 1.1676998740e-1f;
    p = p * x - 1.2420140846e-1f;
    p = p * x + 1.4249322787e-1f;
    p = p * x - 1.6668057665e-1f;
    p = p * x + 2.0000714765e-1f;
    p = p * x - 2.4999993993e-1f;
    p = p * x + 3.3333331174e-1f;
    p = p * x * z;
    p += -2.12194440e-4f * k;
    p -= 0.5f * z;
    return x + p + 0.693359375f * k;
}

KC_DEVICE float sigmoid(float x) { return 1.0f / (1.0f + exp_(-x)); }

KC_DEVICE float silu(float x) { return x * sigmoid(x); }

KC_DEVICE float dsilu(float x) {
    float s = sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
}

// tanh form of GELU through σ: ½(1 + tanh u) = σ(2u)
KC_DEVICE float gelu(float x) { return x * sigmoid(1.5957691216f * (x + 0.044715f * x * x * x)); }

KC_DEVICE float dgelu(float x) {
    float s = sigmoid(1.5957691216f * (x + 0.044715f * x * x * x));
    return s + x * s * (1.0f - s) * 1.5957691216f * (1.0f + 0.134145f * x * x);
}

KC_DEVICE float activate(int act, float x) {
    if (act == ACT_SILU) return silu(x);
    if (act == ACT_GELU) return gelu(x);
    return x;
}

KC_DEVICE float slope(int act, float x) {
    if (act == ACT_SILU) return dsilu(x);
    if (act == ACT_GELU) return dgelu(x);
    return 1.0f;
}
