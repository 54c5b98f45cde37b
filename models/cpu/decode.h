// Attention of one AR step against the cache. For each image and head the
// cache holds the keys in panels [LANE keys] of [hd, LANE], the last panel as
// wide as what is left, then the values [capacity, hd]: a step reads both in
// one direction, and what it appends lies in lines that it reads anyway.
#ifndef OPS_BODY
#define DECODE_OPS(OP)                                                                                                             \
    OP(void, attention_decode,                                                                                                     \
       (int th, float *out, const float *qkv, float *cache, long batch, long at, long n, long capacity, long heads, long width),   \
       (th, out, qkv, cache, batch, at, n, capacity, heads, width))
#else

// s[0..LANE) of each of the panels ← q·k; stride is from one component to the next.
INLINE void K(panels)(const int N, float *s, const float *q, const float *k, long panel, long stride, long hd) {
    VEC acc[4][GROUP];
#pragma GCC unroll 4
    for (int b = 0; b < N; b++)
#pragma GCC unroll 4
        for (int g = 0; g < GROUP; g++) acc[b][g] = (VEC){0};
    for (long c = 0; c < hd; c++) {
        float a = q[c];
#pragma GCC unroll 4
        for (int b = 0; b < N; b++)
#pragma GCC unroll 4
            for (int g = 0; g < GROUP; g++) acc[b][g] += a * *(const VEC *)(k + b * panel + c * stride + g * VLANES);
    }
#pragma GCC unroll 4
    for (int b = 0; b < N; b++)
#pragma GCC unroll 4
        for (int g = 0; g < GROUP; g++) *(VEC *)(s + b * LANE + g * VLANES) = acc[b][g];
}

// o[0..LANE) ← Σ_j p[j]·v[j·hd ..]; four sums keep the adders busy.
INLINE void K(weighted_lane)(float *o, const float *p, const float *v, long hd, long m) {
    VEC acc[4][GROUP];
#pragma GCC unroll 4
    for (int u = 0; u < 4; u++)
#pragma GCC unroll 4
        for (int g = 0; g < GROUP; g++) acc[u][g] = (VEC){0};
    long j = 0;
    for (; j + 4 <= m; j += 4)
#pragma GCC unroll 4
        for (int u = 0; u < 4; u++)
#pragma GCC unroll 4
            for (int g = 0; g < GROUP; g++) acc[u][g] += p[j + u] * *(const VEC *)(v + (j + u) * hd + g * VLANES);
    for (; j < m; j++)
#pragma GCC unroll 4
        for (int g = 0; g < GROUP; g++) acc[0][g] += p[j] * *(const VEC *)(v + j * hd + g * VLANES);
#pragma GCC unroll 4
    for (int g = 0; g < GROUP; g++) *(VEC *)(o + g * VLANES) = (acc[0][g] + acc[1][g]) + (acc[2][g] + acc[3][g]);
}

static void K(attention_decode)(int threads, float *out, const float *qkv, float *cache, long batch, long at, long n, long capacity,
                                long heads, long width) {
    long hd = width / heads, ld = 3 * width, m = at + n, mp = PAD(m);
    long full = capacity / LANE, rest = capacity % LANE, panel = hd * LANE;
    int tight = rest && hd * capacity < LANE; // a whole vector at the last panel would end behind the values
    float scale = 1.0f / sqrtf((float)hd);
#pragma omp parallel num_threads(threads) if (batch * m * width > SERIAL)
    {
        float *s = pra_scratch(mp);
#pragma omp for schedule(static)
        for (long bh = 0; bh < batch * heads; bh++) {
            long b = bh / heads, h = bh % heads;
            const float *q = qkv + b * n * ld + h * hd, *k = q + width, *v = k + width;
            float *kc = cache + bh * 2 * hd * capacity, *vc = kc + hd * capacity;
            for (long j = 0; j < n; j++) {
                long t = at + j, stride = t / LANE < full ? LANE : rest;
                float *to = kc + t / LANE * panel + t % LANE;
                for (long c = 0; c < hd; c++) to[c * stride] = k[j * ld + c];
                memcpy(vc + t * hd, v + j * ld, sizeof(float) * hd);
            }
            for (long i = 0; i < n; i++) {
                const float *qi = q + i * ld;
                long p = 0, panels = mp / LANE, whole = panels < full ? panels : full;
                for (; p + 4 <= whole; p += 4) K(panels)(4, s + p * LANE, qi, kc + p * panel, panel, LANE, hd);
                for (; p < whole; p++) K(panels)(1, s + p * LANE, qi, kc + p * panel, panel, LANE, hd);
                if (p < panels && !tight) K(panels)(1, s + p * LANE, qi, kc + p * panel, panel, rest, hd);
                if (p < panels && tight)
                    for (long j = p * LANE; j < m; j++) {
                        s[j] = 0;
                        for (long c = 0; c < hd; c++) s[j] += qi[c] * kc[p * panel + c * rest + j - p * LANE];
                    }
                K(softmax)(s, mp, 1, mp, &m, scale, 0);
                float *o = out + (b * n + i) * width + h * hd;
                long c = 0;
                for (; c + LANE <= hd; c += LANE) K(weighted_lane)(o + c, s, vc + c, hd, m);
                if (c < hd) {
                    for (long e = c; e < hd; e++) o[e] = 0;
                    for (long j = 0; j < m; j++)
                        for (long e = c; e < hd; e++) o[e] += s[j] * vc[j * hd + e];
                }
            }
        }
    }
}
#endif
