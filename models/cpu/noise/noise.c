// Philox4x32-10 (Salmon et al., SC 2011) and Box-Muller normals. Compiled for
// the plain target without contraction into fused multiply-adds, so that the
// bits are the same on every machine of an architecture.
#include "noise.h"
#pragma GCC optimize("no-math-errno", "no-trapping-math") // square roots and comparisons vectorise
#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __x86_64__ // the plain target has no fused multiply-add
#define NO_CONTRACT
#else
#define NO_CONTRACT __attribute__((optimize("fp-contract=off")))
#endif

static inline void philox(const uint32_t ctr[4], uint64_t key, uint32_t out[4]) {
    uint32_t a = ctr[0], b = ctr[1], c = ctr[2], d = ctr[3], k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int r = 0; r < 10; r++) {
        uint64_t p = (uint64_t)0xD2511F53u * a, q = (uint64_t)0xCD9E8D57u * c;
        uint32_t na = (uint32_t)(q >> 32) ^ b ^ k0, nc = (uint32_t)(p >> 32) ^ d ^ k1;
        b = (uint32_t)q, d = (uint32_t)p, a = na, c = nc;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    out[0] = a, out[1] = b, out[2] = c, out[3] = d;
}

void prabench_philox(const uint32_t ctr[4], uint64_t key, uint32_t out[4]) { philox(ctr, key, out); }

// Natural logarithm of u in [2^-24, 1], relative error under 2e-7: u = m·2^e with
// m in [√½, √2), log m by the polynomial of Cephes' logf (Moshier).
NO_CONTRACT static inline float log_unit(float u) {
    union {
        float f;
        int32_t i;
    } b = {u};
    int32_t e = (b.i - 0x3f3504f3) >> 23; // 0x3f3504f3 is √½
    b.i -= e * (1 << 23);
    float x = b.f - 1.0f, z = x * x, p = 7.0376836292e-2f, k = (float)e;
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

// cos and sin of 2πv, v in [0, 1): v = q/4 + r with |r| ≤ 1/8 (exact), Taylor
// polynomials on [−π/4, π/4], then the quadrant swaps and signs.
NO_CONTRACT static inline void turn(float v, float *c, float *s) {
    int32_t q = (int32_t)(v * 4.0f + 0.5f);
    float a = (v - 0.25f * (float)q) * 6.2831853072f, z = a * a;
    float sn = -1.9515295891e-4f, cs = 2.443315711809948e-5f;
    sn = sn * z + 8.3321608736e-3f;
    sn = sn * z - 1.6666654611e-1f;
    sn = sn * z * a + a;
    cs = cs * z - 1.388731625493765e-3f;
    cs = cs * z + 4.166664568298827e-2f;
    cs = cs * z * z - 0.5f * z + 1.0f;
    float x = q & 1 ? sn : cs, y = q & 1 ? cs : sn;
    *c = (q + 1) & 2 ? -x : x;
    *s = q & 2 ? -y : y;
}

// Words w[0..n), n a multiple of 2, to normals: u in (0, 1] and v in [0, 1),
// multiples of 2^-24 and so exact in float.
NO_CONTRACT static void box_muller(float *restrict dst, const uint32_t *restrict w, long n) {
#pragma omp simd
    for (long i = 0; i < n / 2; i++) {
        float u = (float)(int32_t)((w[2 * i] >> 8) + 1) * 0x1p-24f, v = (float)(int32_t)(w[2 * i + 1] >> 8) * 0x1p-24f, c, s;
        float m = sqrtf(-2.0f * log_unit(u));
        turn(v, &c, &s);
        dst[2 * i] = m * c;
        dst[2 * i + 1] = m * s;
    }
}

enum { CHUNK = 256 };

void prabench_normal(int threads, float *dst, const int *ids, long batch, long tokens, long at, long dim, uint64_t key,
                     uint32_t stream) {
#pragma omp parallel for num_threads(threads) schedule(static) if (batch * tokens * dim > 4096)
    for (long r = 0; r < batch * tokens; r++) {
        uint32_t ctr[4] = {0, (uint32_t)(at + r % tokens), (uint32_t)ids[r / tokens], stream}, w[CHUNK];
        float f[CHUNK];
        for (long lo = 0; lo < dim; lo += CHUNK) {
            long n = dim - lo < CHUNK ? dim - lo : CHUNK, full = (n + 3) / 4 * 4;
            for (long c = 0; c < full; c += 4) {
                ctr[0] = (uint32_t)((lo + c) / 4);
                philox(ctr, key, w + c);
            }
            box_muller(f, w, full);
            memcpy(dst + r * dim + lo, f, sizeof(float) * n);
        }
    }
}
