#ifndef OPS_BODY
#define ATTENTION_OPS(OP)                                                                                                          \
    OP(void, attention,                                                                                                            \
       (int th, float *out, const float *qkv, float *lse, long batch, long tokens, long heads, long width, long block,             \
        long prefix),                                                                                                              \
       (th, out, qkv, lse, batch, tokens, heads, width, block, prefix))                                                            \
    OP(void, attention_backward,                                                                                                   \
       (int th, float *dqkv, const float *dout, const float *out, const float *qkv, const float *lse, long batch, long tokens,     \
        long heads, long width, long block, long prefix),                                                                          \
       (th, dqkv, dout, out, qkv, lse, batch, tokens, heads, width, block, prefix))                                                \
    OP(void, place_qk,                                                                                                             \
       (int th, float *y, const float *x, const float *gain, const float *turns, long rows, long at, long tokens, long heads,      \
        long width),                                                                                                               \
       (th, y, x, gain, turns, rows, at, tokens, heads, width))                                                                    \
    OP(void, place_qk_backward,                                                                                                    \
       (int th, float *dx, float *dgain, const float *dy, const float *x, const float *gain, const float *turns, long rows,        \
        long tokens, long heads, long width),                                                                                      \
       (th, dx, dgain, dy, x, gain, turns, rows, tokens, heads, width))
#else

// Block-causal attention for training and sweeps, one (image, head) at a time,
// in tiles of queries: a tile's scores are formed only up to the last key that
// one of its queries may read.
enum { QUERIES = 12 };

// How many tokens token i reads, the first ones: device.ReadTokens.
static inline long K(reads)(long i, long block, long prefix) {
    return i < prefix ? prefix : prefix + ((i - prefix) / block + 1) * block;
}

// n rows s ← softmax(scale·s), each over the keys that its token reads, 0 up to mp; lse ←
// the logs of their denominators. A loop a part, so that the long chain of one row does
// not hold up the next.
static inline void K(softmax)(float *rows, long ld, long n, long mp, const long *own, float scale, float *lse) {
    float top[QUERIES], total[QUERIES];
    for (long r = 0; r < n; r++) {
        float *s = rows + r * ld, most;
        for (long j = own[r]; j < mp; j++) s[j] = -INFINITY;
        most = s[0];
#pragma omp simd reduction(max : most)
        for (long j = 0; j < mp; j++) most = s[j] > most ? s[j] : most;
        top[r] = most * scale;
    }
    for (long r = 0; r < n; r++) {
        float *s = rows + r * ld, sum = 0, most = top[r];
        long m = own[r];
#pragma omp simd reduction(+ : sum)
        for (long j = 0; j < mp; j++) {
            float e = j < m ? K(expf)(s[j] * scale - most) : 0.0f;
            s[j] = e;
            sum += e;
        }
        total[r] = sum;
    }
    for (long r = 0; r < n; r++) {
        float *s = rows + r * ld, inv = 1.0f / total[r];
        if (lse) lse[r] = top[r] + logf(total[r]);
#pragma omp simd
        for (long j = 0; j < mp; j++) s[j] *= inv;
    }
}

static void K(attention)(int threads, float *out, const float *qkv, float *lse, long batch, long tokens, long heads, long width,
                         long block, long prefix) {
    long hd = width / heads, ld = 3 * width, T = PAD(tokens), hp = PAD(hd);
    float scale = 1.0f / sqrtf((float)hd);
#pragma omp parallel num_threads(threads) if (batch * tokens * width > SERIAL)
    {
        float *kt = pra_scratch((hd * T + T * hp + QUERIES * (T + hp))), *vp = kt + hd * T, *s = vp + T * hp, *op = s + QUERIES * T;
#pragma omp for schedule(static)
        for (long bh = 0; bh < batch * heads; bh++) {
            long b = bh / heads, h = bh % heads, ldv;
            const float *q = qkv + b * tokens * ld + h * hd, *k = q + width, *v = K(padded)(vp, k + width, ld, tokens, hd, &ldv);
            float *o = out + b * tokens * width + h * hd, *l = lse + bh * tokens;
            long own[QUERIES];
            K(transpose)(kt, T, k, ld, tokens, hd);
            for (long i = 0; i < tokens; i += QUERIES) {
                long n = tokens - i < QUERIES ? tokens - i : QUERIES, m = K(reads)(i + n - 1, block, prefix), mp = PAD(m);
                K(product)(s, T, q + i * ld, ld, 1, kt, T, n, mp, hd, 0);
                for (long r = 0; r < n; r++) own[r] = K(reads)(i + r, block, prefix);
                K(softmax)(s, T, n, mp, own, scale, l + i);
                // What all rows read, then what each reads beyond it: no row
                // multiplies a later value, be it by 0 (it may be no number).
                long all = K(reads)(i, block, prefix), ldo = hp == hd ? width : hp;
                float *to = hp == hd ? o + i * width : op;
                K(product)(to, ldo, s, T, 1, v, ldv, n, hp, all, 0);
                for (long r = 0; r < n; r++) {
                    long more = own[r] - all;
                    if (more > 0) K(product)(to + r * ldo, ldo, s + r * T + all, T, 1, v + all * ldv, ldv, 1, hp, more, 1);
                    if (to == op) memcpy(o + (i + r) * width, op + r * hp, sizeof(float) * hd);
                }
            }
        }
    }
}

static void K(attention_backward)(int threads, float *dqkv, const float *dout, const float *out, const float *qkv, const float *lse,
                                  long batch, long tokens, long heads, long width, long block, long prefix) {
    long hd = width / heads, ld = 3 * width, T = PAD(tokens), hp = PAD(hd);
    float scale = 1.0f / sqrtf((float)hd);
#pragma omp parallel num_threads(threads) if (batch * tokens * width > SERIAL)
    {
        float *kt = pra_scratch((2 * hd * T + 5 * T * hp + QUERIES * (2 * T + hp))), *vt = kt + hd * T, *qp = vt + hd * T,
              *kp = qp + T * hp, *gp = kp + T * hp, *dk = gp + T * hp, *dv = dk + T * hp, *s = dv + T * hp, *ds = s + QUERIES * T,
              *dqp = ds + QUERIES * T;
#pragma omp for schedule(static)
        for (long bh = 0; bh < batch * heads; bh++) {
            long b = bh / heads, h = bh % heads, ldq, ldk, ldg;
            const float *q0 = qkv + b * tokens * ld + h * hd, *k0 = q0 + width, *v0 = k0 + width;
            const float *o = out + b * tokens * width + h * hd, *g0 = dout + b * tokens * width + h * hd;
            const float *q = K(padded)(qp, q0, ld, tokens, hd, &ldq), *k = K(padded)(kp, k0, ld, tokens, hd, &ldk),
                        *g = K(padded)(gp, g0, width, tokens, hd, &ldg);
            float *dq = dqkv + b * tokens * ld + h * hd;
            K(transpose)(kt, T, k0, ld, tokens, hd);
            K(transpose)(vt, T, v0, ld, tokens, hd);
            memset(dk, 0, sizeof(float) * 2 * T * hp);
            for (long i = 0; i < tokens; i += QUERIES) {
                long n = tokens - i < QUERIES ? tokens - i : QUERIES, m = K(reads)(i + n - 1, block, prefix), mp = PAD(m);
                K(product)(s, T, q + i * ldq, ldq, 1, kt, T, n, mp, hd, 0);
                K(product)(ds, T, g + i * ldg, ldg, 1, vt, T, n, mp, hd, 0);
                for (long r = 0; r < n; r++) {
                    long own = K(reads)(i + r, block, prefix);
                    float l = lse[bh * tokens + i + r], delta = 0, *p = s + r * T, *d = ds + r * T;
                    const float *gr = g + (i + r) * ldg, *out_row = o + (i + r) * width;
#pragma omp simd reduction(+ : delta)
                    for (long c = 0; c < hd; c++) delta += gr[c] * out_row[c];
#pragma omp simd
                    for (long j = 0; j < mp; j++) {
                        float e = j < own ? K(expf)(p[j] * scale - l) : 0.0f;
                        p[j] = e;
                        d[j] = e * (d[j] - delta) * scale;
                    }
                }
                K(product)(dv, hp, s, 1, T, g + i * ldg, ldg, m, hp, n, 1);
                K(product)(dk, hp, ds, 1, T, q + i * ldq, ldq, m, hp, n, 1);
                if (hp == hd) {
                    K(product)(dq + i * ld, ld, ds, T, 1, k, ldk, n, hd, m, 0);
                    continue;
                }
                K(product)(dqp, hp, ds, T, 1, k, ldk, n, hp, m, 0);
                for (long r = 0; r < n; r++) memcpy(dq + (i + r) * ld, dqp + r * hp, sizeof(float) * hd);
            }
            for (long j = 0; j < tokens; j++) {
                memcpy(dq + width + j * ld, dk + j * hp, sizeof(float) * hd);
                memcpy(dq + 2 * width + j * ld, dv + j * hp, sizeof(float) * hd);
            }
        }
    }
}

// Pairs (p_i, p_{i+half}) by the angles whose cosines and sines c holds; dir −1 is back. o
// may be p.
static inline void K(turn)(float *o, const float *p, const float *c, long half, float dir) {
#pragma omp simd
    for (long i = 0; i < half; i++) {
        float a = p[i], b = p[i + half], s = dir * c[i + half];
        o[i] = a * c[i] - b * s;
        o[i + half] = a * s + b * c[i];
    }
}

static inline float K(root)(const float *p, long n) {
    float q = 0;
#pragma omp simd reduction(+ : q)
    for (long i = 0; i < n; i++) q += p[i] * p[i];
    return 1.0f / sqrtf(q / n + NORM_EPS);
}

// Each head's vector of queries and keys, normalised where there is a gain, turned where
// there are angles.
static void K(place_qk)(int threads, float *y, const float *x, const float *gain, const float *turns, long rows, long at,
                        long tokens, long heads, long width) {
    long n = width / heads;
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * width > SERIAL)
    for (long r = 0; r < rows; r++) {
        if (y != x) memcpy(y + r * 3 * width, x + r * 3 * width, sizeof(float) * 3 * width);
        for (long v = 0; v < 2 * heads; v++) {
            float *o = y + r * 3 * width + v * n;
            if (gain) {
                const float *g = gain + v / heads * n;
                float s = K(root)(o, n);
#pragma omp simd
                for (long i = 0; i < n; i++) o[i] = o[i] * s * g[i];
            }
            if (turns) K(turn)(o, o, turns + (at + r % tokens) * n, n / 2, 1);
        }
    }
}

static void K(place_qk_backward)(int threads, float *dx, float *dgain, const float *dy, const float *x, const float *gain,
                                 const float *turns, long rows, long tokens, long heads, long width) {
    long n = width / heads, vectors = 2 * heads;
    float *root = gain ? pra_scratch(rows * vectors) : 0;
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * width > SERIAL)
    for (long r = 0; r < rows; r++) {
        if (dx != dy) memcpy(dx + r * 3 * width, dy + r * 3 * width, sizeof(float) * 3 * width);
        for (long v = 0; v < vectors; v++) {
            float *o = dx + r * 3 * width + v * n;
            if (turns) K(turn)(o, o, turns + r % tokens * n, n / 2, -1);
            if (gain) root[r * vectors + v] = K(root)(x + r * 3 * width + v * n, n);
        }
    }
    if (!gain) return;
    long blocks = (n + 15) / 16; // columns are split, so that the order of additions does not depend on the threads
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * width > SERIAL)
    for (long b = 0; b < 2 * blocks; b++) {
        long part = b / blocks, lo = b % blocks * 16, m = n - lo < 16 ? n - lo : 16;
        float acc[16] = {0};
        for (long r = 0; r < rows; r++)
            for (long v = part * heads; v < (part + 1) * heads; v++) {
                const float *p = x + r * 3 * width + v * n + lo, *d = dx + r * 3 * width + v * n + lo;
                float s = root[r * vectors + v];
#pragma omp simd
                for (long i = 0; i < m; i++) acc[i] += d[i] * p[i] * s;
            }
        for (long i = 0; i < m; i++) dgain[part * n + lo + i] += acc[i];
    }
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * width > SERIAL)
    for (long r = 0; r < rows; r++)
        for (long v = 0; v < vectors; v++) {
            const float *p = x + r * 3 * width + v * n, *g = gain + v / heads * n;
            float *o = dx + r * 3 * width + v * n, s = root[r * vectors + v], b = 0;
#pragma omp simd reduction(+ : b)
            for (long i = 0; i < n; i++) b += o[i] * g[i] * p[i];
            b = b * s / n;
#pragma omp simd
            for (long i = 0; i < n; i++) o[i] = s * (o[i] * g[i] - p[i] * s * b);
        }
}
#endif
