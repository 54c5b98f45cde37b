// Attention of one AR step against the cache, a warp a (sequence, head). Twin:
// models/cpu/decode.h, with the same cache in words of WIDE values (one in fp32,
// two in bf16): for each sequence and head the keys in panels [32 keys] of
// [words, 32], the last panel as wide as what is left, then the values
// [capacity, words].
//
// A lane scores one key of a panel, so nothing is summed over lanes but a
// panel's softmax; for the values a lane holds COLUMNS words. GROUP queries are
// served by one reading of the cache.
#pragma once
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

// The WIDE values of a word.
template <int WIDE> KC_DEVICE void unpack(float *v, u32 word) {
    if (WIDE == 1) {
        v[0] = kc_from_bits(word);
    } else {
        v[0] = kc_from_bits(word << 16);
        v[WIDE - 1] = kc_from_bits(word & 0xffff0000u);
    }
}

// The word at column word c of a row of hd values, 0 beyond it.
template <int WIDE> KC_DEVICE u32 pack(const float *row, int c, int hd) {
    if constexpr (WIDE == 1)
        return kc_bits(row[c]);
    else
        return kc_bf16x2(row[2 * c], 2 * c + 1 < hd ? row[2 * c + 1] : 0.0f);
}

// score[g] ← score[g] + the word's share of query g · key.
template <int WIDE, int GROUP> KC_DEVICE void add_word(float *score, const float *q, int held, u32 word) {
    float x[WIDE];
    unpack<WIDE>(x, word);
    UNROLL for (int g = 0; g < GROUP; g++) UNROLL for (int e = 0; e < WIDE; e++) score[g] += q[g * held + e] * x[e];
}

// o ← o + p·(the word's values)
template <int WIDE> KC_DEVICE void add_value(float *o, float p, u32 word) {
    float x[WIDE];
    unpack<WIDE>(x, word);
    UNROLL for (int e = 0; e < WIDE; e++) o[e] += p * x[e];
}

template <int COLUMNS, int GROUP, int WIDE>
KC_DEVICE void decode(float *s, float *out, const float *qkv, u32 *cache, int pairs, int at, int n, int capacity, int heads,
                      int width, int hd, float scale) {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, words = (hd + WIDE - 1) / WIDE;
    i64 pair = (i64)blockIdx.x * WARPS + warp;
    if (pair >= pairs) return; // the whole warp; no barrier of the block follows
    i64 b = pair / heads, h = pair % heads, ld = 3 * (i64)width;
    int held = words * WIDE;
    float *qs = s + warp * GROUP * (held + 32), *ps = qs + GROUP * held;
    const float *q = qkv + b * n * ld + h * hd;
    u32 *kc = cache + pair * 2 * words * capacity, *vc = kc + (i64)words * capacity;
    int full = capacity / 32, rest = capacity % 32, keys = at + n;

    for (int j = 0; j < n; j++) {
        int t = at + j, stride = t / 32 < full ? 32 : rest;
        const float *k = q + j * ld + width, *v = k + width;
        for (int c = lane; c < words; c += 32) {
            kc[(i64)(t / 32) * words * 32 + c * stride + t % 32] = pack<WIDE>(k, c, hd);
            vc[(i64)t * words + c] = pack<WIDE>(v, c, hd);
        }
    }
    for (int i0 = 0; i0 < n; i0 += GROUP) {
        kc_warp_barrier(); // what was appended is seen, the last group's queries are done with
        for (int g = 0; g < GROUP; g++)
            for (int c = lane; c < held; c += 32) qs[g * held + c] = i0 + g < n && c < hd ? q[(i0 + g) * ld + c] : 0.0f;
        kc_warp_barrier();
        float top[GROUP], sum[GROUP], o[GROUP][COLUMNS][WIDE];
        UNROLL for (int g = 0; g < GROUP; g++) {
            top[g] = NONE, sum[g] = 0;
            UNROLL for (int k = 0; k < COLUMNS; k++) UNROLL for (int e = 0; e < WIDE; e++) o[g][k][e] = 0;
        }
        for (int p0 = 0; p0 < keys; p0 += 32) {
            int stride = p0 / 32 < full ? 32 : rest, here = keys - p0 < 32 ? keys - p0 : 32;
            const u32 *k = kc + (i64)p0 * words + lane;
            float score[GROUP];
            UNROLL for (int g = 0; g < GROUP; g++) score[g] = 0;
            if (lane < here) {
                int c = 0;
                for (; c + RUN <= words; c += RUN) {
                    u32 x[RUN];
                    UNROLL for (int i = 0; i < RUN; i++) x[i] = k[(c + i) * stride];
                    UNROLL for (int i = 0; i < RUN; i++) add_word<WIDE, GROUP>(score, qs + (c + i) * WIDE, held, x[i]);
                }
                for (; c < words; c++) add_word<WIDE, GROUP>(score, qs + c * WIDE, held, k[c * stride]);
            }
            UNROLL for (int g = 0; g < GROUP; g++) {
                float x = lane < here ? score[g] * scale : NONE, best = warp_max(x > top[g] ? x : top[g]);
                float e = lane < here ? exp_(x - best) : 0.0f, keep = exp_(top[g] - best);
                sum[g] = sum[g] * keep + warp_sum(e);
                top[g] = best;
                ps[g * 32 + lane] = e;
                UNROLL for (int c = 0; c < COLUMNS; c++) UNROLL for (int i = 0; i < WIDE; i++) o[g][c][i] *= keep;
            }
            kc_warp_barrier();
            const u32 *v = vc + (i64)p0 * words + lane;
            int j = 0;
            for (; j + AHEAD <= here; j += AHEAD) UNROLL for (int c = 0; c < COLUMNS; c++) {
                    if (lane + 32 * c >= words) continue;
                    u32 x[AHEAD];
                    UNROLL for (int i = 0; i < AHEAD; i++) x[i] = v[(j + i) * words + 32 * c];
                    UNROLL for (int i = 0; i < AHEAD; i++) UNROLL for (int g = 0; g < GROUP; g++)
                        add_value<WIDE>(o[g][c], ps[g * 32 + j + i], x[i]);
                }
            for (; j < here; j++) UNROLL for (int c = 0; c < COLUMNS; c++) {
                    if (lane + 32 * c >= words) continue;
                    u32 x = v[j * words + 32 * c];
                    UNROLL for (int g = 0; g < GROUP; g++) add_value<WIDE>(o[g][c], ps[g * 32 + j], x);
                }
            kc_warp_barrier(); // ps is written again
        }
        UNROLL for (int g = 0; g < GROUP; g++) {
            if (i0 + g >= n) continue;
            float *to = out + (b * n + i0 + g) * width + h * hd, by = 1.0f / sum[g];
            UNROLL for (int c = 0; c < COLUMNS; c++) UNROLL for (int e = 0; e < WIDE; e++) {
                int i = (lane + 32 * c) * WIDE + e;
                if (i < hd) to[i] = o[g][c][e] * by;
            }
        }
    }
}
