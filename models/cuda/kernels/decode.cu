// Attention of one AR step against the cache, a warp a (sequence, head). Twin:
// models/cpu/decode.h, with the same cache: for each sequence and head the keys
// in panels [32 keys] of [hd, 32], the last panel as wide as what is left, then
// the values [capacity, hd].
//
// A lane scores one key of a panel, so nothing is summed over lanes but a
// panel's softmax; for the values a lane holds COLUMNS of the head's values.
// GROUP queries are served by one reading of the cache.
#include "reduce.h"
#include "scalar.h"

enum { WARPS = 4, RUN = 16, AHEAD = 8 };
#define NONE (-3.402823466e38f)

KC_DEVICE float warp_max(float v) {
    for (int m = 16; m > 0; m >>= 1) {
        float o = kc_xor(v, m);
        v = o > v ? o : v;
    }
    return v;
}

template <int COLUMNS, int GROUP>
KC_DEVICE void decode(float *s, float *out, const float *qkv, float *cache, int pairs, int at, int n, int capacity, int heads, int width,
                      int hd, float scale) {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    i64 pair = (i64)blockIdx.x * WARPS + warp;
    if (pair >= pairs) return; // the whole warp; no barrier of the block follows
    i64 b = pair / heads, h = pair % heads, ld = 3 * (i64)width;
    float *qs = s + warp * GROUP * (hd + 32), *ps = qs + GROUP * hd;
    const float *q = qkv + b * n * ld + h * hd;
    float *kc = cache + pair * 2 * hd * capacity, *vc = kc + (i64)hd * capacity;
    int full = capacity / 32, rest = capacity % 32, keys = at + n;

    for (int j = 0; j < n; j++) {
        int t = at + j, stride = t / 32 < full ? 32 : rest;
        const float *k = q + j * ld + width, *v = k + width;
        for (int c = lane; c < hd; c += 32) {
            kc[(i64)(t / 32) * hd * 32 + c * stride + t % 32] = k[c];
            vc[(i64)t * hd + c] = v[c];
        }
    }
    for (int i0 = 0; i0 < n; i0 += GROUP) {
        kc_warp_barrier(); // what was appended is seen, the last group's queries are done with
        for (int g = 0; g < GROUP; g++)
            for (int c = lane; c < hd; c += 32) qs[g * hd + c] = i0 + g < n ? q[(i0 + g) * ld + c] : 0.0f;
        kc_warp_barrier();
        float top[GROUP], sum[GROUP], o[GROUP][COLUMNS];
        UNROLL for (int g = 0; g < GROUP; g++) {
            top[g] = NONE, sum[g] = 0;
            UNROLL for (int k = 0; k < COLUMNS; k++) o[g][k] = 0;
        }
        for (int p0 = 0; p0 < keys; p0 += 32) {
            int stride = p0 / 32 < full ? 32 : rest, here = keys - p0 < 32 ? keys - p0 : 32;
            const float *k = kc + (i64)p0 * hd + lane;
            float score[GROUP];
            UNROLL for (int g = 0; g < GROUP; g++) score[g] = 0;
            if (lane < here) {
                int c = 0;
                for (; c + RUN <= hd; c += RUN) {
                    float x[RUN];
                    UNROLL for (int i = 0; i < RUN; i++) x[i] = k[(c + i) * stride];
                    UNROLL for (int g = 0; g < GROUP; g++) UNROLL for (int i = 0; i < RUN; i++) score[g] += qs[g * hd + c + i] * x[i];
                }
                for (; c < hd; c++) {
                    float x = k[c * stride];
                    UNROLL for (int g = 0; g < GROUP; g++) score[g] += qs[g * hd + c] * x;
                }
            }
            UNROLL for (int g = 0; g < GROUP; g++) {
                float x = lane < here ? score[g] * scale : NONE, best = warp_max(x > top[g] ? x : top[g]);
                float e = lane < here ? exp_(x - best) : 0.0f, keep = exp_(top[g] - best);
                sum[g] = sum[g] * keep + warp_sum(e);
                top[g] = best;
                ps[g * 32 + lane] = e;
                UNROLL for (int c = 0; c < COLUMNS; c++) o[g][c] *= keep;
            }
            kc_warp_barrier();
            const float *v = vc + (i64)p0 * hd + lane;
            int j = 0;
            for (; j + AHEAD <= here; j += AHEAD)
                UNROLL for (int c = 0; c < COLUMNS; c++) {
                    if (lane + 32 * c >= hd) continue;
                    float x[AHEAD];
                    UNROLL for (int i = 0; i < AHEAD; i++) x[i] = v[(j + i) * hd + 32 * c];
                    UNROLL for (int g = 0; g < GROUP; g++) UNROLL for (int i = 0; i < AHEAD; i++) o[g][c] += ps[g * 32 + j + i] * x[i];
                }
            for (; j < here; j++)
                UNROLL for (int c = 0; c < COLUMNS; c++) {
                    if (lane + 32 * c >= hd) continue;
                    float x = v[j * hd + 32 * c];
                    UNROLL for (int g = 0; g < GROUP; g++) o[g][c] += ps[g * 32 + j] * x;
                }
            kc_warp_barrier(); // ps is written again
        }
        UNROLL for (int g = 0; g < GROUP; g++) {
            if (i0 + g >= n) continue;
            float *to = out + (b * n + i0 + g) * width + h * hd, by = 1.0f / sum[g];
            UNROLL for (int c = 0; c < COLUMNS; c++)
                if (lane + 32 * c < hd) to[lane + 32 * c] = o[g][c] * by;
        }
    }
}

#define DECODE(COLUMNS, GROUP)                                                                                                  \
    KERNEL(decode_##COLUMNS##_##GROUP, 128, 1)                                                                                  \
    (float *out, const float *qkv, float *cache, int pairs, int at, int n, int capacity, int heads, int width, int hd, float scale) { \
        SHARED(s);                                                                                                              \
        decode<COLUMNS, GROUP>(s, out, qkv, cache, pairs, at, n, capacity, heads, width, hd, scale);                            \
    }                                                                                                                           \
    EXPORT(decode_##COLUMNS##_##GROUP, 128)

DECODE(1, 1)
DECODE(1, 4)
DECODE(2, 1)
DECODE(2, 4)
DECODE(4, 1)
DECODE(4, 4)
DECODE(8, 1)
DECODE(8, 4)
DECODE(16, 1)
DECODE(16, 4)
