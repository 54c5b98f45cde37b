// Philox4x32-10 (Salmon et al., SC 2011) and Box-Muller normals, the same bits
// as models/cpu/noise/noise.c: every product and sum is rounded on its own.
#include "kcompat.h"

struct Words {
    u32 w[4];
};

KC_DEVICE Words philox(u32 a, u32 b, u32 c, u32 d, u64 key) {
    u32 k0 = (u32)key, k1 = (u32)(key >> 32);
    for (int r = 0; r < 10; r++) {
        u64 p = (u64)0xD2511F53u * a, q = (u64)0xCD9E8D57u * c;
        u32 na = (u32)(q >> 32) ^ b ^ k0, nc = (u32)(p >> 32) ^ d ^ k1;
        b = (u32)q, d = (u32)p, a = na, c = nc;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    return Words{{a, b, c, d}};
}

KC_DEVICE float sub(float a, float b) { return kc_add(a, -b); }
KC_DEVICE float step(float p, float x, float c) { return kc_add(kc_mul(p, x), c); } // p·x + c, rounded twice

// Natural logarithm of u in [2^-24, 1] by the polynomial of Cephes' logf.
KC_DEVICE float log_unit(float u) {
    int b = (int)kc_bits(u), e = (b - 0x3f3504f3) >> 23; // 0x3f3504f3 is √½
    float x = sub(kc_from_bits((u32)(b - e * (1 << 23))), 1.0f), z = kc_mul(x, x), p = 7.0376836292e-2f, k = (float)e;
    p = step(p, x, -1.1514610310e-1f);
    p = step(p, x, 1.1676998740e-1f);
    p = step(p, x, -1.2420140846e-1f);
    p = step(p, x, 1.4249322787e-1f);
    p = step(p, x, -1.6668057665e-1f);
    p = step(p, x, 2.0000714765e-1f);
    p = step(p, x, -2.4999993993e-1f);
    p = step(p, x, 3.3333331174e-1f);
    p = kc_mul(kc_mul(p, x), z);
    p = kc_add(p, kc_mul(-2.12194440e-4f, k));
    p = sub(p, kc_mul(0.5f, z));
    return kc_add(kc_add(x, p), kc_mul(0.693359375f, k));
}

// cos and sin of 2πv, v in [0, 1): v = q/4 + r with |r| ≤ 1/8 (exact).
KC_DEVICE void turn(float v, float *c, float *s) {
    int q = (int)kc_add(kc_mul(v, 4.0f), 0.5f);
    float a = kc_mul(sub(v, kc_mul(0.25f, (float)q)), 6.2831853072f), z = kc_mul(a, a);
    float sn = -1.9515295891e-4f, cs = 2.443315711809948e-5f;
    sn = step(sn, z, 8.3321608736e-3f);
    sn = step(sn, z, -1.6666654611e-1f);
    sn = kc_add(kc_mul(kc_mul(sn, z), a), a);
    cs = step(cs, z, -1.388731625493765e-3f);
    cs = step(cs, z, 4.166664568298827e-2f);
    cs = kc_add(sub(kc_mul(kc_mul(cs, z), z), kc_mul(0.5f, z)), 1.0f);
    float x = q & 1 ? sn : cs, y = q & 1 ? cs : sn;
    *c = (q + 1) & 2 ? -x : x;
    *s = q & 2 ? -y : y;
}

// One thread the four numbers of counter (quad, at + token, id, stream).
KERNEL(normal, 256, 4)(float *dst, const int *ids, i64 total, int tokens, int at, int dim, int quads, u64 key, u32 stream) {
    i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    i64 row = i / quads;
    int quad = (int)(i % quads);
    Words w = philox((u32)quad, (u32)(at + (int)(row % tokens)), (u32)ids[row / tokens], stream, key);
    for (int h = 0; h < 2; h++) {
        float u = kc_mul((float)(int)((w.w[2 * h] >> 8) + 1), 0x1p-24f), v = kc_mul((float)(int)(w.w[2 * h + 1] >> 8), 0x1p-24f), c,
              s;
        float m = kc_sqrt(kc_mul(-2.0f, log_unit(u)));
        turn(v, &c, &s);
        int x = quad * 4 + 2 * h;
        if (x < dim) dst[row * dim + x] = kc_mul(m, c);
        if (x + 1 < dim) dst[row * dim + x + 1] = kc_mul(m, s);
    }
}
EXPORT(normal, 256)
