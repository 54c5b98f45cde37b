// Attention of attention.cu on tensor cores (devices from 8.0), for heads of up to 128
// values: operands are rounded to bf16 on their way into shared memory, scores, softmax
// and sums are fp32, and so are the results.
//
// A warp has 16 rows of queries (of keys in attention_dkv) from the first product to
// the last: the scores' accumulators, rounded, are the left operand of the next product,
// so that no score is ever in shared memory. A block goes over tiles of 64 keys (of queries)
// and leaves out those that none of its rows reads, a warp those that none of its own does.
//
// A score that is masked becomes 0 and is multiplied with what its token has. That may be
// no finite number, and 0 times that is none: so the forward pass sets such values to 0
// and lets the scores of their token be no numbers, for those who read it. The backward pass
// does not: there one such value spoils the gradient whatever it is multiplied with.
#include "attention.h"
#include "reduce.h"

typedef unsigned short half; // a bf16
struct alignas(8) Pair {
    float x, y;
};

enum { COLUMNS = 64, PART = 32 }; // of a tile that a block goes over; of these in one softmax

// A tile of bf16 in shared memory: N rows of D values, of which HD are there. Rows are
// 16 bytes longer than their values, so that those of a matrix lie in different banks.
template <int D> struct Tile {
    enum { ALONG = D + 8, FOURS = D / 4 };

    // Rows [first, first + N) of hd values, 0 beyond limit and hd. Says whether any that
    // this thread has loaded is no finite number.
    template <int N, int THREADS> static KC_MEMBER bool load(half *s, const float *x, i64 stride, int first, int limit, int hd) {
        enum { EACH = N * FOURS / THREADS, APART = THREADS / FOURS, FLYING = EACH < 4 ? EACH : 4 }; // loads under way at once
        int r = threadIdx.x / FOURS, c = threadIdx.x % FOURS * 4, rows = c < hd ? limit - first - r : 0;
        const float *from = x + (i64)(first + r) * stride + c;
        u32 *to = (u32 *)(s + r * ALONG + c), carry = 0;
        ROLLED for (int l0 = 0; l0 < EACH; l0 += FLYING) {
            kc_f4 v[FLYING];
            UNROLL for (int l = 0; l < FLYING; l++) {
                v[l] = kc_f4{0, 0, 0, 0};
                if ((l0 + l) * APART < rows) v[l] = *(const kc_f4 *)from;
                from += APART * stride;
            }
            UNROLL for (int l = 0; l < FLYING; l++) {
                u32 *p = to + (l0 + l) * APART * ALONG / 2;
                p[0] = kc_bf16x2(v[l].x, v[l].y);
                p[1] = kc_bf16x2(v[l].z, v[l].w);
                carry |= spoiled(p[0]) | spoiled(p[1]);
            }
        }
        return carry != 0;
    }
    // Not 0 where one of two bf16 has an exponent of ones: infinite, or no number.
    static KC_MEMBER u32 spoiled(u32 two) { return ((two & 0x7f807f80u) + 0x00800080u) & 0x80008000u; }

    // 16 rows as the left operand of a product over D.
    static KC_MEMBER void left(u32 a[][4], const half *rows) {
        int lane = threadIdx.x % 32;
        UNROLL for (int k = 0; k < D / 16; k++) kc_matrices(a[k], rows + lane % 16 * ALONG + k * 16 + lane / 16 * 8);
    }
    // c [16, 16] += a · rowsᵀ for 16 rows of the tile.
    static KC_MEMBER void scores(float c[2][4], const u32 a[][4], const half *rows) {
        int lane = threadIdx.x % 32;
        UNROLL for (int k = 0; k < D / 16; k++) {
            u32 b[4];
            kc_matrices(b, rows + (lane / 16 * 8 + lane % 8) * ALONG + k * 16 + lane / 8 % 2 * 8);
            kc_mma(c[0], a[k], b);
            kc_mma(c[1], a[k], b + 2);
        }
    }
    // c [16, D] += a · rows for 16 rows of the tile.
    static KC_MEMBER void mix(float c[][4], const u32 a[4], const half *rows) {
        int lane = threadIdx.x % 32;
        UNROLL for (int n = 0; n < D / 16; n++) {
            u32 b[4];
            kc_matrices_t(b, rows + lane % 16 * ALONG + n * 16 + lane / 16 * 8);
            kc_mma(c[2 * n], a, b);
            kc_mma(c[2 * n + 1], a, b + 2);
        }
    }
    // The 16 rows of a warp from row i on that are under limit, times by of the upper and
    // of the lower half of them.
    static KC_MEMBER void write(float *y, i64 stride, int i, int limit, int hd, const float c[][4], float upper, float lower) {
        int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
        UNROLL for (int h = 0; h < 2; h++) {
            float by = h ? lower : upper;
            if (i + g + 8 * h >= limit) continue;
            UNROLL for (int n = 0; n < D / 8; n++) {
                if (8 * n < hd)
                    *(Pair *)(y + (i64)(i + g + 8 * h) * stride + 8 * n + 2 * t) = Pair{c[n][2 * h] * by, c[n][2 * h + 1] * by};
            }
        }
    }
    static KC_MEMBER void clear(float c[][4]) {
        UNROLL for (int n = 0; n < D / 8; n++) UNROLL for (int e = 0; e < 4; e++) c[n][e] = 0;
    }
};

// Accumulators of 16 × 16 scores as a left operand.
KC_DEVICE void rounded(u32 a[4], const float c[2][4]) {
    UNROLL for (int n = 0; n < 2; n++) {
        a[2 * n] = kc_bf16x2(c[n][0], c[n][1]);
        a[2 * n + 1] = kc_bf16x2(c[n][2], c[n][3]);
    }
}

// Over the four threads that share a row of accumulators.
KC_DEVICE float quad_sum(float v) {
    v += kc_xor(v, 1);
    return v + kc_xor(v, 2);
}
KC_DEVICE float quad_max(float v) {
    UNROLL for (int m = 1; m < 4; m *= 2) {
        float o = kc_xor(v, m);
        v = o > v ? o : v;
    }
    return v;
}

// The values of a tile that are no finite numbers become 0, and mark[row] no number where
// there was one, else 0.
template <int D> KC_DEVICE void settle(float *mark, half *rows) {
    int r = threadIdx.x;
    if (r < COLUMNS) {
        u32 *p = (u32 *)(rows + r * Tile<D>::ALONG);
        bool found = false;
        ROLLED for (int c = 0; c < D / 2; c++) if (Tile<D>::spoiled(p[c])) p[c] = 0, found = true;
        mark[r] = found ? kc_from_bits(0x7fc00000u) : 0.0f;
    }
    kc_barrier();
}

template <int D, int WARPS>
KC_DEVICE void forward(float *shared, float *out, const float *qkv, float *lse, int tokens, int heads, int width, int hd, int block,
                       int prefix, float scale) {
    typedef Tile<D> Tl;
    enum { ROWS = 16 * WARPS, THREADS = 32 * WARPS };
    half *ks = (half *)shared, *vs = ks + COLUMNS * Tl::ALONG; // the queries lie there first
    float *flags = (float *)(vs + COLUMNS * Tl::ALONG), *mark = flags + 8;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
    i64 b = blockIdx.x / heads, h = blockIdx.x % heads, stride = 3 * (i64)width;
    int first = (gridDim.y - 1 - blockIdx.y) * ROWS, i = first + 16 * warp; // the tiles that read most begin first
    int last = first + ROWS < tokens ? first + ROWS - 1 : tokens - 1, all = reads(last, block, prefix);
    int mine = i < tokens ? reads(i + 15 < tokens ? i + 15 : tokens - 1, block, prefix) : 0;
    int own[2] = {i + g < tokens ? reads(i + g, block, prefix) : 0, i + g + 8 < tokens ? reads(i + g + 8, block, prefix) : 0};
    const float *q = qkv + b * tokens * stride + h * hd;
    Tl::template load<ROWS, THREADS>(ks, q, stride, first, tokens, hd);
    kc_barrier();
    u32 qf[D / 16][4];
    Tl::left(qf, ks + 16 * warp * Tl::ALONG);
    float o[D / 8][4], top[2] = {NONE, NONE}, sum[2] = {0, 0};
    Tl::clear(o);
    for (int j0 = 0; j0 < all; j0 += COLUMNS) {
        kc_barrier();
        Tl::template load<COLUMNS, THREADS>(ks, q + width, stride, j0, all, hd);
        float odd = warp_sum(Tl::template load<COLUMNS, THREADS>(vs, q + 2 * width, stride, j0, all, hd) ? 1.0f : 0.0f);
        if (lane == 0) flags[warp] = odd;
        kc_barrier();
        odd = 0;
        UNROLL for (int w = 0; w < WARPS; w++) odd += flags[w];
        if (odd != 0) settle<D>(mark, vs);
        ROLLED for (int c = 0; c < COLUMNS && j0 + c < mine; c += PART) {
            float p[PART / 8][4], keep[2], add[2] = {0, 0};
            int left[2]; // how many keys a row reads, from this thread's first one on
            UNROLL for (int n = 0; n < PART / 8; n++) UNROLL for (int e = 0; e < 4; e++) p[n][e] = 0;
            UNROLL for (int n = 0; n < PART / 16; n++) Tl::scores(p + 2 * n, qf, ks + (c + 16 * n) * Tl::ALONG);
            if (odd != 0) UNROLL for (int n = 0; n < PART / 8; n++) {
                    UNROLL for (int e = 0; e < 4; e++) p[n][e] += mark[c + 8 * n + 2 * t + e % 2];
                }
            UNROLL for (int r = 0; r < 2; r++) {
                float best = top[r];
                left[r] = own[r] - j0 - c - 2 * t;
                UNROLL for (int n = 0; n < PART / 8; n++) UNROLL for (int e = 0; e < 2; e++) {
                    float v = p[n][2 * r + e] * scale;
                    p[n][2 * r + e] = v = 8 * n + e < left[r] ? v : NONE;
                    best = v > best ? v : best;
                }
                best = quad_max(best);
                keep[r] = exp_(top[r] - best);
                top[r] = best;
                UNROLL for (int n = 0; n < D / 8; n++) o[n][2 * r] *= keep[r], o[n][2 * r + 1] *= keep[r];
            }
            UNROLL for (int n = 0; n < PART / 16; n++) {
                UNROLL for (int m = 2 * n; m < 2 * n + 2; m++) UNROLL for (int e = 0; e < 4; e++) {
                    float v = exp_(p[m][e] - top[e / 2]);
                    p[m][e] = v = 8 * m + e % 2 < left[e / 2] ? v : 0.0f;
                    add[e / 2] += v;
                }
                u32 a[4];
                rounded(a, p + 2 * n);
                Tl::mix(o, a, vs + (c + 16 * n) * Tl::ALONG);
            }
            UNROLL for (int r = 0; r < 2; r++) sum[r] = sum[r] * keep[r] + quad_sum(add[r]);
        }
    }
    Tl::write(out + b * tokens * width + h * hd, width, i, tokens, hd, o, 1.0f / sum[0], 1.0f / sum[1]);
    UNROLL for (int r = 0; r < 2; r++) {
        if (t == 0 && i + g + 8 * r < tokens) lse[(i64)blockIdx.x * tokens + i + g + 8 * r] = top[r] + log_(sum[r]);
    }
}

// The part of Σ dout·out of the rows i + g and i + g + 8 that this thread has of dout.
template <int D>
KC_DEVICE void output_dots(float d[2], const u32 gf[][4], const float *out, i64 stride, int i, int tokens, int hd) {
    int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    UNROLL for (int r = 0; r < 2; r++) {
        d[r] = 0;
        if (i + g + 8 * r >= tokens) continue;
        const float *o = out + (i64)(i + g + 8 * r) * stride + 2 * t;
        UNROLL for (int k = 0; k < D / 8; k++) {
            if (8 * k >= hd) continue;
            Pair x = *(const Pair *)(o + 8 * k);
            u32 two = gf[k / 2][k % 2 * 2 + r];
            d[r] += kc_from_bits(two << 16) * x.x + kc_from_bits(two & 0xffff0000u) * x.y;
        }
    }
}

// dq of a tile of queries, and delta[image, head, token] = Σ dout·out with dout in bf16, as
// the products take it: so the gradients of a row's scores sum to 0.
template <int D, int WARPS>
KC_DEVICE void backward_q(float *shared, float *dqkv, float *delta, const float *dout, const float *out, const float *qkv,
                          const float *lse, int tokens, int heads, int width, int hd, int block, int prefix, float scale) {
    typedef Tile<D> Tl;
    enum { ROWS = 16 * WARPS, THREADS = 32 * WARPS };
    half *ks = (half *)shared, *vs = ks + COLUMNS * Tl::ALONG;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
    i64 b = blockIdx.x / heads, h = blockIdx.x % heads, stride = 3 * (i64)width;
    int first = (gridDim.y - 1 - blockIdx.y) * ROWS, i = first + 16 * warp;
    int last = first + ROWS < tokens ? first + ROWS - 1 : tokens - 1, all = reads(last, block, prefix);
    int mine = i < tokens ? reads(i + 15 < tokens ? i + 15 : tokens - 1, block, prefix) : 0;
    const float *q = qkv + b * tokens * stride + h * hd;
    u32 qf[D / 16][4], gf[D / 16][4];
    Tl::template load<ROWS, THREADS>(ks, q, stride, first, tokens, hd);
    kc_barrier();
    Tl::left(qf, ks + 16 * warp * Tl::ALONG);
    kc_barrier();
    Tl::template load<ROWS, THREADS>(ks, dout + b * tokens * width + h * hd, width, first, tokens, hd);
    kc_barrier();
    Tl::left(gf, ks + 16 * warp * Tl::ALONG);
    float d[2], l[2];
    int own[2];
    output_dots<D>(d, gf, out + b * tokens * width + h * hd, width, i, tokens, hd);
    UNROLL for (int r = 0; r < 2; r++) {
        int at = i + g + 8 * r;
        d[r] = quad_sum(d[r]);
        own[r] = 0;
        l[r] = 0;
        if (at >= tokens) continue;
        own[r] = reads(at, block, prefix);
        l[r] = lse[(i64)blockIdx.x * tokens + at];
        if (t == 0) delta[(i64)blockIdx.x * tokens + at] = d[r];
    }
    float dq[D / 8][4];
    Tl::clear(dq);
    for (int j0 = 0; j0 < all; j0 += COLUMNS) {
        kc_barrier();
        Tl::template load<COLUMNS, THREADS>(ks, q + width, stride, j0, all, hd);
        Tl::template load<COLUMNS, THREADS>(vs, q + 2 * width, stride, j0, all, hd);
        kc_barrier();
        ROLLED for (int n = 0; n < COLUMNS / 16 && j0 + 16 * n < mine; n++) {
            float s[2][4] = {}, dp[2][4] = {};
            Tl::scores(s, qf, ks + 16 * n * Tl::ALONG);
            Tl::scores(dp, gf, vs + 16 * n * Tl::ALONG);
            UNROLL for (int m = 0; m < 2; m++) UNROLL for (int e = 0; e < 4; e++) {
                float v = exp_(s[m][e] * scale - l[e / 2]) * (dp[m][e] - d[e / 2]) * scale;
                s[m][e] = j0 + 16 * n + 8 * m + 2 * t + e % 2 < own[e / 2] ? v : 0.0f;
            }
            u32 a[4];
            rounded(a, s);
            Tl::mix(dq, a, ks + 16 * n * Tl::ALONG);
        }
    }
    Tl::write(dqkv + b * tokens * stride + h * hd, stride, i, tokens, hd, dq, 1.0f, 1.0f);
}

// dk and dv of a tile of keys, over the queries that read them: the rows of a product are
// keys, its columns queries.
template <int D, int WARPS>
KC_DEVICE void backward_kv(float *shared, float *dqkv, const float *delta, const float *dout, const float *qkv, const float *lse,
                           int tokens, int heads, int width, int hd, int block, int prefix, float scale) {
    typedef Tile<D> Tl;
    enum { ROWS = 16 * WARPS, THREADS = 32 * WARPS };
    half *qs = (half *)shared, *gs = qs + COLUMNS * Tl::ALONG; // keys and values lie there first
    float *ls = (float *)(gs + COLUMNS * Tl::ALONG), *dl = ls + COLUMNS;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
    i64 b = blockIdx.x / heads, h = blockIdx.x % heads, stride = 3 * (i64)width;
    int first = blockIdx.y * ROWS, j = first + 16 * warp, mine = first_reader(j, block, prefix);
    int from[2] = {first_reader(j + g, block, prefix), first_reader(j + g + 8, block, prefix)};
    const float *q = qkv + b * tokens * stride + h * hd;
    u32 kf[D / 16][4], vf[D / 16][4];
    Tl::template load<ROWS, THREADS>(qs, q + width, stride, first, tokens, hd);
    Tl::template load<ROWS, THREADS>(gs, q + 2 * width, stride, first, tokens, hd);
    kc_barrier();
    Tl::left(kf, qs + 16 * warp * Tl::ALONG);
    Tl::left(vf, gs + 16 * warp * Tl::ALONG);
    float dk[D / 8][4], dv[D / 8][4];
    Tl::clear(dk);
    Tl::clear(dv);
    for (int i0 = first_reader(first, block, prefix); i0 < tokens; i0 += COLUMNS) {
        kc_barrier();
        Tl::template load<COLUMNS, THREADS>(qs, q, stride, i0, tokens, hd);
        Tl::template load<COLUMNS, THREADS>(gs, dout + b * tokens * width + h * hd, width, i0, tokens, hd);
        if (threadIdx.x < COLUMNS && i0 + (int)threadIdx.x < tokens) {
            ls[threadIdx.x] = lse[(i64)blockIdx.x * tokens + i0 + threadIdx.x];
            dl[threadIdx.x] = delta[(i64)blockIdx.x * tokens + i0 + threadIdx.x];
        }
        kc_barrier();
        ROLLED for (int n = 0; n < COLUMNS / 16 && i0 + 16 * n < tokens; n++) {
            if (j >= tokens || i0 + 16 * n + 15 < mine) continue;
            float p[2][4] = {}, ds[2][4] = {};
            Tl::scores(p, kf, qs + 16 * n * Tl::ALONG);
            Tl::scores(ds, vf, gs + 16 * n * Tl::ALONG);
            UNROLL for (int m = 0; m < 2; m++) UNROLL for (int e = 0; e < 4; e++) {
                int i = 16 * n + 8 * m + 2 * t + e % 2;
                bool in = i0 + i < tokens && i0 + i >= from[e / 2];
                float v = exp_(p[m][e] * scale - ls[i]), w = v * (ds[m][e] - dl[i]) * scale;
                p[m][e] = in ? v : 0.0f;
                ds[m][e] = in ? w : 0.0f;
            }
            u32 a[4];
            rounded(a, p);
            Tl::mix(dv, a, gs + 16 * n * Tl::ALONG);
            rounded(a, ds);
            Tl::mix(dk, a, qs + 16 * n * Tl::ALONG);
        }
    }
    float *to = dqkv + b * tokens * stride + h * hd;
    Tl::write(to + width, stride, j, tokens, hd, dk, 1.0f, 1.0f);
    Tl::write(to + 2 * width, stride, j, tokens, hd, dv, 1.0f, 1.0f);
}

#define ATTENTION(D, WARPS, blocks)                                                                                                \
    KERNEL(attention_bf16_##D, 32 * WARPS, blocks)                                                                                 \
    (float *out, const float *qkv, float *lse, int tokens, int heads, int width, int hd, int block, int prefix, float scale) {     \
        SHARED(s);                                                                                                                 \
        forward<D, WARPS>(s, out, qkv, lse, tokens, heads, width, hd, block, prefix, scale);                                       \
    }                                                                                                                              \
    EXPORT(attention_bf16_##D, 32 * WARPS)                                                                                         \
    KERNEL(attention_bf16_dq_##D, 32 * WARPS, blocks)                                                                              \
    (float *dqkv, float *delta, const float *dout, const float *out, const float *qkv, const float *lse, int tokens, int heads,    \
     int width, int hd, int block, int prefix, float scale) {                                                                      \
        SHARED(s);                                                                                                                 \
        backward_q<D, WARPS>(s, dqkv, delta, dout, out, qkv, lse, tokens, heads, width, hd, block, prefix, scale);                 \
    }                                                                                                                              \
    EXPORT(attention_bf16_dq_##D, 32 * WARPS)                                                                                      \
    KERNEL(attention_bf16_dkv_##D, 128, blocks)                                                                                    \
    (float *dqkv, const float *delta, const float *dout, const float *qkv, const float *lse, int tokens, int heads, int width,     \
     int hd, int block, int prefix, float scale) {                                                                                 \
        SHARED(s);                                                                                                                 \
        backward_kv<D, 4>(s, dqkv, delta, dout, qkv, lse, tokens, heads, width, hd, block, prefix, scale);                         \
    }                                                                                                                              \
    EXPORT(attention_bf16_dkv_##D, 128)

ATTENTION(32, 8, 2)
ATTENTION(64, 8, 2)
ATTENTION(128, 4, 1)
