// Block-causal attention for training and sweeps. Twin: models/cpu/attention.h.
//
// A block of 128 threads serves a tile of T queries (or keys) of one image and
// head; a row of the tile belongs to LANES = 128/T threads of one warp, each
// with up to 16 of its values. Scores stay in shared memory. No value beyond
// what a row may read is ever multiplied, be it by 0: it may be no number.
#include "attention.h"
#include "reduce.h"

template <int T> struct Tile {
    enum { THREADS = 128, LANES = THREADS / T, SCORES = T > LANES ? T / LANES : 1 };

    // Rows [first, first + T) of hd values, 0 beyond limit and up to whole fours.
    static KC_MEMBER void load(float *s, int ld, const float *x, i64 stride, int first, int limit, int hd) {
        int fours = (hd + 3) / 4 * 4;
        for (int at = threadIdx.x; at < T * fours; at += THREADS) {
            int r = at / fours, c = at % fours;
            s[r * ld + c] = first + r < limit && c < hd ? x[(i64)(first + r) * stride + c] : 0.0f;
        }
    }
    static KC_MEMBER float dot(const float *a, const float *b, int hd) {
        float s = 0;
        for (int c = 0; c < hd; c += 4) {
            kc_f4 p = *(const kc_f4 *)(a + c), q = *(const kc_f4 *)(b + c);
            s += p.x * q.x + p.y * q.y + p.z * q.z + p.w * q.w;
        }
        return s;
    }
    static KC_MEMBER float row_sum(float v) {
        for (int m = LANES / 2; m > 0; m >>= 1) v += kc_xor(v, m);
        return v;
    }
    static KC_MEMBER float row_max(float v) {
        for (int m = LANES / 2; m > 0; m >>= 1) {
            float o = kc_xor(v, m);
            v = o > v ? o : v;
        }
        return v;
    }
};

// A thread's 16 values of a row: fours cl, cl + LANES, …
template <int T> struct Values {
    float v[4][4];
    KC_MEMBER void scale(float by) { UNROLL for (int a = 0; a < 4; a++) UNROLL for (int i = 0; i < 4; i++) v[a][i] *= by; }
    KC_MEMBER void clear() { UNROLL for (int a = 0; a < 4; a++) UNROLL for (int i = 0; i < 4; i++) v[a][i] = 0; }
    KC_MEMBER void add(float by, const float *row, int cl, int hd) {
        UNROLL for (int a = 0; a < 4; a++) {
            int c = 4 * (cl + Tile<T>::LANES * a);
            if (c >= hd) continue;
            kc_f4 x = *(const kc_f4 *)(row + c);
            v[a][0] += by * x.x, v[a][1] += by * x.y, v[a][2] += by * x.z, v[a][3] += by * x.w;
        }
    }
    KC_MEMBER void write(float *row, float by, int cl, int hd) const {
        UNROLL for (int a = 0; a < 4; a++) UNROLL for (int i = 0; i < 4; i++) {
            int c = 4 * (cl + Tile<T>::LANES * a) + i;
            if (c < hd) row[c] = v[a][i] * by;
        }
    }
};

template <int T>
KC_DEVICE void forward(float *s, float *out, const float *qkv, float *lse, int tokens, int heads, int width, int hd, int block,
                       int prefix, float scale) {
    typedef Tile<T> Tl;
    int tid = threadIdx.x, r = tid / Tl::LANES, cl = tid % Tl::LANES, ld = (hd + 3) / 4 * 4 + 4;
    float *qs = s, *ks = qs + T * ld, *vs = ks + T * ld, *ps = vs + T * ld + r * (T + 1);
    i64 b = blockIdx.x / heads, h = blockIdx.x % heads, stride = 3 * (i64)width;
    int first = blockIdx.y * T, i = first + r, last = first + T < tokens ? first + T - 1 : tokens - 1;
    int own = i < tokens ? reads(i, block, prefix) : 0, all = reads(last, block, prefix);
    const float *q = qkv + b * tokens * stride + h * hd;
    Tl::load(qs, ld, q, stride, first, tokens, hd);
    Values<T> o;
    o.clear();
    float top = NONE, sum = 0;
    for (int j0 = 0; j0 < all; j0 += T) {
        Tl::load(ks, ld, q + width, stride, j0, all, hd);
        Tl::load(vs, ld, q + 2 * width, stride, j0, all, hd);
        kc_barrier();
        float p[Tl::SCORES], best = top, add = 0;
        UNROLL for (int n = 0; n < Tl::SCORES; n++) {
            int j = cl + Tl::LANES * n;
            p[n] = NONE;
            if (j < T && j0 + j < own) p[n] = Tl::dot(qs + r * ld, ks + j * ld, hd) * scale;
            best = p[n] > best ? p[n] : best;
        }
        best = Tl::row_max(best);
        UNROLL for (int n = 0; n < Tl::SCORES; n++) {
            int j = cl + Tl::LANES * n;
            float e = j < T && j0 + j < own ? exp_(p[n] - best) : 0.0f;
            add += e;
            if (j < T) ps[j] = e;
        }
        float keep = exp_(top - best);
        sum = sum * keep + Tl::row_sum(add); // its shuffles order the writes to ps too
        top = best;
        o.scale(keep);
        kc_warp_barrier();
        int n = own - j0 < T ? own - j0 : T;
        for (int j = 0; j < n; j++) o.add(ps[j], vs + j * ld, cl, hd);
        kc_barrier();
    }
    if (i >= tokens) return;
    o.write(out + (b * tokens + i) * width + h * hd, 1.0f / sum, cl, hd);
    if (cl == 0) lse[(i64)blockIdx.x * tokens + i] = top + log_(sum);
}

// dq of a tile of queries, and delta[image, head, token] = Σ dout·out.
template <int T>
KC_DEVICE void backward_q(float *s, float *dqkv, float *delta, const float *dout, const float *out, const float *qkv,
                          const float *lse, int tokens, int heads, int width, int hd, int block, int prefix, float scale) {
    typedef Tile<T> Tl;
    int tid = threadIdx.x, r = tid / Tl::LANES, cl = tid % Tl::LANES, ld = (hd + 3) / 4 * 4 + 4;
    float *qs = s, *gs = qs + T * ld, *ks = gs + T * ld, *vs = ks + T * ld, *ds = vs + T * ld + r * (T + 1);
    i64 b = blockIdx.x / heads, h = blockIdx.x % heads, stride = 3 * (i64)width;
    int first = blockIdx.y * T, i = first + r, last = first + T < tokens ? first + T - 1 : tokens - 1;
    int own = i < tokens ? reads(i, block, prefix) : 0, all = reads(last, block, prefix);
    const float *q = qkv + b * tokens * stride + h * hd, *g = dout + b * tokens * width + h * hd;
    Tl::load(qs, ld, q, stride, first, tokens, hd);
    Tl::load(gs, ld, g, width, first, tokens, hd);
    kc_barrier();
    float l = 0, d = 0;
    if (i < tokens) {
        const float *o = out + (b * tokens + i) * width + h * hd;
        for (int c = cl; c < hd; c += Tl::LANES) d += gs[r * ld + c] * o[c];
        l = lse[(i64)blockIdx.x * tokens + i];
    }
    d = Tl::row_sum(d);
    if (i < tokens && cl == 0) delta[(i64)blockIdx.x * tokens + i] = d;
    Values<T> dq;
    dq.clear();
    for (int j0 = 0; j0 < all; j0 += T) {
        Tl::load(ks, ld, q + width, stride, j0, all, hd);
        Tl::load(vs, ld, q + 2 * width, stride, j0, all, hd);
        kc_barrier();
        UNROLL for (int n = 0; n < Tl::SCORES; n++) {
            int j = cl + Tl::LANES * n;
            if (j >= T || j0 + j >= own) continue;
            float p = exp_(Tl::dot(qs + r * ld, ks + j * ld, hd) * scale - l);
            ds[j] = p * (Tl::dot(gs + r * ld, vs + j * ld, hd) - d) * scale;
        }
        kc_warp_barrier();
        int n = own - j0 < T ? own - j0 : T;
        for (int j = 0; j < n; j++) dq.add(ds[j], ks + j * ld, cl, hd);
        kc_barrier();
    }
    if (i < tokens) dq.write(dqkv + (b * tokens + i) * stride + h * hd, 1.0f, cl, hd);
}

// dk and dv of a tile of keys, over the queries that read them.
template <int T>
KC_DEVICE void backward_kv(float *s, float *dqkv, const float *delta, const float *dout, const float *qkv, const float *lse,
                           int tokens, int heads, int width, int hd, int block, int prefix, float scale) {
    typedef Tile<T> Tl;
    int tid = threadIdx.x, r = tid / Tl::LANES, cl = tid % Tl::LANES, ld = (hd + 3) / 4 * 4 + 4;
    float *ks = s, *vs = ks + T * ld, *qs = vs + T * ld, *gs = qs + T * ld, *ls = gs + T * ld, *dl = ls + T;
    float *ps = dl + T + r * (T + 1), *ds = ps + T * (T + 1);
    i64 b = blockIdx.x / heads, h = blockIdx.x % heads, stride = 3 * (i64)width;
    int first = blockIdx.y * T, j = first + r, from = first_reader(j, block, prefix);
    const float *q = qkv + b * tokens * stride + h * hd, *g = dout + b * tokens * width + h * hd;
    Tl::load(ks, ld, q + width, stride, first, tokens, hd);
    Tl::load(vs, ld, q + 2 * width, stride, first, tokens, hd);
    Values<T> dk, dv;
    dk.clear();
    dv.clear();
    for (int i0 = first_reader(first, block, prefix); i0 < tokens; i0 += T) {
        Tl::load(qs, ld, q, stride, i0, tokens, hd);
        Tl::load(gs, ld, g, width, i0, tokens, hd);
        if (tid < T && i0 + tid < tokens) {
            ls[tid] = lse[(i64)blockIdx.x * tokens + i0 + tid];
            dl[tid] = delta[(i64)blockIdx.x * tokens + i0 + tid];
        }
        kc_barrier();
        UNROLL for (int n = 0; n < Tl::SCORES; n++) {
            int i = cl + Tl::LANES * n;
            if (i >= T || i0 + i >= tokens || i0 + i < from || j >= tokens) continue;
            float p = exp_(Tl::dot(qs + i * ld, ks + r * ld, hd) * scale - ls[i]);
            ps[i] = p;
            ds[i] = p * (Tl::dot(gs + i * ld, vs + r * ld, hd) - dl[i]) * scale;
        }
        kc_warp_barrier();
        int n = j >= tokens ? 0 : tokens - i0 < T ? tokens - i0 : T;
        for (int i = from > i0 ? from - i0 : 0; i < n; i++) {
            dv.add(ps[i], gs + i * ld, cl, hd);
            dk.add(ds[i], qs + i * ld, cl, hd);
        }
        kc_barrier();
    }
    if (j >= tokens) return;
    float *to = dqkv + (b * tokens + j) * stride + h * hd;
    dk.write(to + width, 1.0f, cl, hd);
    dv.write(to + 2 * width, 1.0f, cl, hd);
}

#define ATTENTION(T)                                                                                                               \
    KERNEL(attention_##T, 128, 2)                                                                                                  \
    (float *out, const float *qkv, float *lse, int tokens, int heads, int width, int hd, int block, int prefix, float scale) {     \
        SHARED(s);                                                                                                                 \
        forward<T>(s, out, qkv, lse, tokens, heads, width, hd, block, prefix, scale);                                              \
    }                                                                                                                              \
    EXPORT(attention_##T, 128)                                                                                                     \
    KERNEL(attention_dq_##T, 128, 2)                                                                                               \
    (float *dqkv, float *delta, const float *dout, const float *out, const float *qkv, const float *lse, int tokens, int heads,    \
     int width, int hd, int block, int prefix, float scale) {                                                                      \
        SHARED(s);                                                                                                                 \
        backward_q<T>(s, dqkv, delta, dout, out, qkv, lse, tokens, heads, width, hd, block, prefix, scale);                        \
    }                                                                                                                              \
    EXPORT(attention_dq_##T, 128)                                                                                                  \
    KERNEL(attention_dkv_##T, 128, 2)                                                                                              \
    (float *dqkv, const float *delta, const float *dout, const float *qkv, const float *lse, int tokens, int heads, int width,     \
     int hd, int block, int prefix, float scale) {                                                                                 \
        SHARED(s);                                                                                                                 \
        backward_kv<T>(s, dqkv, delta, dout, qkv, lse, tokens, heads, width, hd, block, prefix, scale);                            \
    }                                                                                                                              \
    EXPORT(attention_dkv_##T, 128)

ATTENTION(32)
ATTENTION(16)
ATTENTION(8)
ATTENTION(4)

// 1/√(mean(x²) + ε) of a warp's vector.
KC_DEVICE float warp_root(const float *p, int n) {
    float q = 0;
    for (int i = threadIdx.x & 31; i < n; i += 32) q += p[i] * p[i];
    return 1.0f / kc_sqrt(warp_sum(q) / n + 1e-5f);
}

// A block a row of queries, keys and values, a warp a head's vector: normalised where
// there is a gain, turned where there are angles.
KERNEL(place_qk, 256, 4)
(float *y, const float *x, const float *gain, const float *turns, int at, int tokens, int heads, int width) {
    int n = width / heads, half = n / 2, lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    i64 r = blockIdx.x;
    const float *c = turns + (at + r % tokens) * n;
    for (int v = threadIdx.x >> 5; v < 2 * heads; v += warps) {
        const float *p = x + r * 3 * width + (i64)v * n, *g = gain + (v >= heads ? n : 0);
        float *o = y + r * 3 * width + (i64)v * n, s = 1;
        if (gain) {
            s = warp_root(p, n);
            kc_warp_barrier(); // o may be p
        }
        if (turns)
            for (int i = lane; i < half; i += 32) {
                float a = p[i], b = p[i + half], co = c[i], si = c[i + half];
                if (gain) a = a * s * g[i], b = b * s * g[i + half];
                o[i] = a * co - b * si;
                o[i + half] = a * si + b * co;
            }
        else
            for (int i = lane; i < n; i += 32) o[i] = gain ? p[i] * s * g[i] : p[i];
    }
    if (y != x)
        for (int i = threadIdx.x; i < width; i += blockDim.x) y[r * 3 * width + 2 * width + i] = x[r * 3 * width + 2 * width + i];
}
EXPORT(place_qk, 256)

// A block serves a few rows in turn; with a gain it adds their part of dgain to
// part[block], [2, n] each. Shared memory: [warps, 2, n], only then.
KERNEL(place_qk_backward, 256, 2)
(float *dx, float *part, const float *dy, const float *x, const float *gain, const float *turns, int rows, int tokens, int heads,
 int width, int each) {
    SHARED(sums);
    int n = width / heads, half = n / 2, lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
    float *own = sums + warp * 2 * n;
    if (gain)
        for (int i = lane; i < 2 * n; i += 32) own[i] = 0;
    i64 r = (i64)blockIdx.x * each, end = r + each < rows ? r + each : rows;
    kc_warp_barrier();
    for (; r < end; r++) {
        const float *c = turns + r % tokens * n;
        for (int v = warp; v < 2 * heads; v += warps) {
            i64 off = r * 3 * width + (i64)v * n;
            const float *d = dy + off, *p = x + off, *g = gain + (v >= heads ? n : 0);
            float *o = dx + off, *acc = own + (v >= heads ? n : 0);
            if (turns)
                for (int i = lane; i < half; i += 32) {
                    float a = d[i], b = d[i + half], co = c[i], si = c[i + half];
                    o[i] = a * co + b * si;
                    o[i + half] = b * co - a * si;
                }
            else if (o != d)
                for (int i = lane; i < n; i += 32) o[i] = d[i];
            if (!gain) continue;
            kc_warp_barrier();
            float s = warp_root(p, n), b = 0;
            for (int i = lane; i < n; i += 32) {
                float xn = p[i] * s, e = o[i];
                acc[i] += e * xn;
                b += e * g[i] * xn;
            }
            b = warp_sum(b) / n;
            for (int i = lane; i < n; i += 32) o[i] = s * (o[i] * g[i] - p[i] * s * b);
        }
        if (dx != dy)
            for (int i = threadIdx.x; i < width; i += blockDim.x)
                dx[r * 3 * width + 2 * width + i] = dy[r * 3 * width + 2 * width + i];
    }
    if (!gain) return;
    kc_barrier();
    for (int i = threadIdx.x; i < 2 * n; i += blockDim.x) {
        float sum = 0;
        for (int w = 0; w < warps; w++) sum += sums[w * 2 * n + i];
        part[(i64)blockIdx.x * 2 * n + i] = sum;
    }
}
EXPORT(place_qk_backward, 256)
