// Block-causal attention, one (image, head) at a time. Keys are transposed
// first, so that a query's scores are built with vectors over the keys, whole
// vectors of LANE at a time.
enum { LANE = 16 };
#define PAD(n) (((n) + LANE - 1) / LANE * LANE)

static inline void K(transpose)(float *dst, long ldd, const float *src, long lds, long rows, long cols) {
    for (long j = 0; j < rows; j++)
        for (long c = 0; c < cols; c++) dst[c * ldd + j] = src[j * lds + c];
}

// s[0..m) ← Σ_c q[c]·kt[c][0..m); m is a whole number of LANE.
static inline void K(scores)(float *restrict s, const float *q, const float *kt, long ld, long m, long hd, float scale) {
    for (long j = 0; j < m; j += LANE) {
        float acc[LANE] = {0};
        for (long c = 0; c < hd; c++) {
            float a = q[c] * scale;
            const float *k = kt + c * ld + j;
#pragma omp simd
            for (long l = 0; l < LANE; l++) acc[l] += a * k[l];
        }
#pragma omp simd
        for (long l = 0; l < LANE; l++) s[j + l] = acc[l];
    }
}

// s ← exp(s − max) over m keys, 0 up to mp; returns 1/Σ, *lse ← max + log Σ
static inline float K(softmax)(float *s, long m, long mp, float *lse) {
    for (long j = m; j < mp; j++) s[j] = -1e30f;
    float top = s[0], sum = 0;
#pragma omp simd reduction(max : top)
    for (long j = 0; j < mp; j++) top = s[j] > top ? s[j] : top;
#pragma omp simd reduction(+ : sum)
    for (long j = 0; j < mp; j++) {
        float e = s[j] <= -1e30f ? 0.0f : K(expf)(s[j] - top);
        s[j] = e;
        sum += e;
    }
    if (lse) *lse = top + logf(sum);
    return 1.0f / sum;
}

// o[0..hd) ← Σ_j p[j]·v[j][0..hd) · by
static inline void K(weighted)(float *o, const float *p, const float *v, long ld, long m, long hd, float by) {
#pragma omp simd
    for (long c = 0; c < hd; c++) o[c] = 0;
    for (long j = 0; j < m; j++) {
        float a = p[j] * by;
        const float *w = v + j * ld;
#pragma omp simd
        for (long c = 0; c < hd; c++) o[c] += a * w[c];
    }
}

static void K(attention)(int threads, float *out, const float *qkv, float *lse, long batch, long tokens, long heads, long width,
                         long block) {
    long hd = width / heads, ld = 3 * width, T = PAD(tokens);
    float scale = 1.0f / sqrtf((float)hd);
#pragma omp parallel num_threads(threads) if (batch * tokens * width > SERIAL)
    {
        float *kt = calloc((hd + 1) * T, sizeof(float)), *s = kt + hd * T;
#pragma omp for schedule(static)
        for (long bh = 0; bh < batch * heads; bh++) {
            long b = bh / heads, h = bh % heads;
            const float *q = qkv + b * tokens * ld + h * hd, *k = q + width, *v = k + width;
            float *o = out + b * tokens * width + h * hd, *l = lse + bh * tokens;
            K(transpose)(kt, T, k, ld, tokens, hd);
            for (long i = 0; i < tokens; i++) {
                long m = (i / block + 1) * block, mp = PAD(m);
                K(scores)(s, q + i * ld, kt, T, mp, hd, scale);
                float inv = K(softmax)(s, m, mp, l + i);
                K(weighted)(o + i * width, s, v, ld, m, hd, inv);
            }
        }
        free(kt);
    }
}

static void K(attention_backward)(int threads, float *dqkv, const float *dout, const float *out, const float *qkv, const float *lse,
                                  long batch, long tokens, long heads, long width, long block) {
    long hd = width / heads, ld = 3 * width, T = PAD(tokens);
    float scale = 1.0f / sqrtf((float)hd);
#pragma omp parallel num_threads(threads) if (batch * tokens * width > SERIAL)
    {
        float *kt = calloc((4 * hd + 2) * T, sizeof(float)), *vt = kt + hd * T, *dkt = vt + hd * T, *dvt = dkt + hd * T,
              *s = dvt + hd * T, *dp = s + T;
#pragma omp for schedule(static)
        for (long bh = 0; bh < batch * heads; bh++) {
            long b = bh / heads, h = bh % heads;
            const float *q = qkv + b * tokens * ld + h * hd, *k = q + width, *v = k + width;
            const float *o = out + b * tokens * width + h * hd, *dO = dout + b * tokens * width + h * hd;
            float *dq = dqkv + b * tokens * ld + h * hd, *dk = dq + width, *dv = dk + width;
            K(transpose)(kt, T, k, ld, tokens, hd);
            K(transpose)(vt, T, v, ld, tokens, hd);
            memset(dkt, 0, sizeof(float) * 2 * hd * T);
            for (long i = 0; i < tokens; i++) {
                long m = (i / block + 1) * block, mp = PAD(m);
                float l = lse[bh * tokens + i], delta = 0;
                const float *d = dO + i * width, *qi = q + i * ld;
                K(scores)(s, qi, kt, T, mp, hd, scale);
                K(scores)(dp, d, vt, T, mp, hd, 1.0f);
                for (long c = 0; c < hd; c++) delta += d[c] * o[i * width + c];
                for (long j = m; j < mp; j++) s[j] = -1e30f;
#pragma omp simd
                for (long j = 0; j < mp; j++) {
                    s[j] = s[j] <= -1e30f ? 0.0f : K(expf)(s[j] - l);
                    dp[j] = s[j] * (dp[j] - delta) * scale;
                }
                for (long j = 0; j < mp; j += LANE)
                    for (long c = 0; c < hd; c++) {
                        float a = d[c], e = qi[c], *restrict x = dvt + c * T + j, *restrict y = dkt + c * T + j;
                        const float *restrict sj = s + j, *restrict pj = dp + j;
#pragma omp simd
                        for (long l = 0; l < LANE; l++) {
                            x[l] += a * sj[l];
                            y[l] += e * pj[l];
                        }
                    }
                K(weighted)(dq + i * ld, dp, k, ld, m, hd, 1.0f);
            }
            for (long j = 0; j < tokens; j++)
                for (long c = 0; c < hd; c++) {
                    dk[j * ld + c] = dkt[c * T + j];
                    dv[j * ld + c] = dvt[c * T + j];
                }
        }
        free(kt);
    }
}

// cache: for each image and head, keys [hd, capacity] then values [capacity, hd].
static void K(attention_decode)(int threads, float *out, const float *qkv, float *cache, long batch, long at, long n, long capacity,
                                long heads, long width) {
    long hd = width / heads, ld = 3 * width, m = at + n, mp = PAD(m);
    float scale = 1.0f / sqrtf((float)hd);
#pragma omp parallel num_threads(threads) if (batch * m * width > SERIAL)
    {
        float *s = malloc(sizeof(float) * (mp + hd * LANE)), *tail = s + mp;
#pragma omp for schedule(static)
        for (long bh = 0; bh < batch * heads; bh++) {
            long b = bh / heads, h = bh % heads;
            const float *q = qkv + b * n * ld + h * hd, *k = q + width, *v = k + width;
            float *kt = cache + bh * 2 * hd * capacity, *vc = kt + hd * capacity;
            K(transpose)(kt + at, capacity, k, ld, n, hd);
            for (long j = 0; j < n; j++) memcpy(vc + (at + j) * hd, v + j * ld, sizeof(float) * hd);
            long whole = m / LANE * LANE; // the rest would read past a row: copied out
            for (long c = 0; c < hd && whole < m; c++)
                for (long j = 0; j < LANE; j++) tail[c * LANE + j] = whole + j < m ? kt[c * capacity + whole + j] : 0;
            for (long i = 0; i < n; i++) {
                K(scores)(s, q + i * ld, kt, capacity, whole, hd, scale);
                if (whole < m) K(scores)(s + whole, q + i * ld, tail, LANE, LANE, hd, scale);
                float inv = K(softmax)(s, m, mp, 0);
                K(weighted)(out + (b * n + i) * width + h * hd, s, vc, hd, m, hd, inv);
            }
        }
        free(s);
    }
}
