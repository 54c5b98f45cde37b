// Row normalisations: plain, affine and modulated (adaLN).
#ifndef OPS_BODY
#define NORM_OPS(OP)                                                                                                               \
    OP(void, norm,                                                                                                                 \
       (int th, float *y, const float *x, const float *gain, const float *bias, float *stats, long rows, long n, int sphere),      \
       (th, y, x, gain, bias, stats, rows, n, sphere))                                                                             \
    OP(void, norm_backward,                                                                                                        \
       (int th, float *dx, float *dgain, float *dbias, const float *dy, const float *x, const float *gain, const float *stats,     \
        long rows, long n, int sphere, int add),                                                                                   \
       (th, dx, dgain, dbias, dy, x, gain, stats, rows, n, sphere, add))                                                           \
    OP(void, mod_norm,                                                                                                             \
       (int th, float *y, const float *x, float *stats, const float *mod, long ldmod, long so, long co, long rows, long n,         \
        long each),                                                                                                                \
       (th, y, x, stats, mod, ldmod, so, co, rows, n, each))                                                                       \
    OP(void, mod_norm_backward,                                                                                                    \
       (int th, float *dx, float *dmod, const float *dy, const float *x, const float *stats, const float *mod, long ldmod,         \
        long so, long co, long rows, long n, long each, int add),                                                                  \
       (th, dx, dmod, dy, x, stats, mod, ldmod, so, co, rows, n, each, add))                                                       \
    OP(void, gate,                                                                                                                 \
       (int th, float *y, const float *x, const float *f, const float *mod, long ldmod, long off, long rows, long n, long each),   \
       (th, y, x, f, mod, ldmod, off, rows, n, each))                                                                              \
    OP(void, gate_backward,                                                                                                        \
       (int th, float *df, float *dmod, const float *dout, const float *f, const float *mod, long ldmod, long off, long rows,      \
        long n, long each),                                                                                                        \
       (th, df, dmod, dout, f, mod, ldmod, off, rows, n, each))                                                                    \
    OP(void, rms_norm, (int th, float *y, const float *x, const float *gain, float *stats, long rows, long n, float eps),          \
       (th, y, x, gain, stats, rows, n, eps))                                                                                      \
    OP(void, rms_norm_backward,                                                                                                    \
       (int th, float *dx, float *dgain, const float *dy, const float *x, const float *gain, const float *stats, long rows,        \
        long n, int add),                                                                                                          \
       (th, dx, dgain, dy, x, gain, stats, rows, n, add))
#else

static inline void K(row_stats)(const float *x, long n, int sphere, float *mean, float *rstd) {
    float s = 0, q = 0;
    if (!sphere) {
#pragma omp simd reduction(+ : s)
        for (long i = 0; i < n; i++) s += x[i];
        s /= n;
    }
#pragma omp simd reduction(+ : q)
    for (long i = 0; i < n; i++) q += (x[i] - s) * (x[i] - s);
    *mean = s;
    *rstd = 1.0f / sqrtf(q / n + NORM_EPS);
}

static void K(norm)(int threads, float *y, const float *x, const float *gain, const float *bias, float *stats, long rows, long n,
                    int sphere) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        const float *p = x + r * n;
        float *q = y + r * n, m, s;
        K(row_stats)(p, n, sphere, &m, &s);
        stats[2 * r] = m, stats[2 * r + 1] = s;
        if (gain) {
#pragma omp simd
            for (long i = 0; i < n; i++) q[i] = (p[i] - m) * s * gain[i] + bias[i];
        } else {
#pragma omp simd
            for (long i = 0; i < n; i++) q[i] = (p[i] - m) * s;
        }
    }
}

// dx = rstd·(g − mean(g) − x̂·mean(g·x̂)), g = dy·gain; the sphere has no mean(g).
static void K(norm_backward)(int threads, float *dx, float *dgain, float *dbias, const float *dy, const float *x, const float *gain,
                             const float *stats, long rows, long n, int sphere, int add) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        const float *p = x + r * n, *d = dy + r * n;
        float *o = dx + r * n, m = stats[2 * r], s = stats[2 * r + 1], a = 0, b = 0;
        if (gain) {
#pragma omp simd reduction(+ : a, b)
            for (long i = 0; i < n; i++) {
                float g = d[i] * gain[i];
                a += g;
                b += g * (p[i] - m);
            }
        } else {
#pragma omp simd reduction(+ : a, b)
            for (long i = 0; i < n; i++) {
                a += d[i];
                b += d[i] * (p[i] - m);
            }
        }
        a = sphere ? 0 : a / n;
        b = b * s / n;
#pragma omp simd
        for (long i = 0; i < n; i++) {
            float g = gain ? d[i] * gain[i] : d[i];
            float v = s * (g - a - (p[i] - m) * s * b);
            o[i] = add ? o[i] + v : v;
        }
    }
    if (!gain) return;
    long blocks = (n + 63) / 64;
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long b = 0; b < blocks; b++) {
        long lo = b * 64, w = n - lo < 64 ? n - lo : 64;
        float ag[64] = {0}, ab[64] = {0};
        for (long r = 0; r < rows; r++) {
            const float *p = x + r * n + lo, *d = dy + r * n + lo;
            float m = stats[2 * r], s = stats[2 * r + 1];
#pragma omp simd
            for (long i = 0; i < w; i++) {
                ag[i] += d[i] * (p[i] - m) * s;
                ab[i] += d[i];
            }
        }
        for (long i = 0; i < w; i++) dgain[lo + i] += ag[i], dbias[lo + i] += ab[i];
    }
}

// each rows in turn share a row of mod, here and below.
static void K(mod_norm)(int threads, float *y, const float *x, float *stats, const float *mod, long ldmod, long shift_off,
                        long scale_off, long rows, long n, long each) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        const float *p = x + r * n, *own = mod + r / each * ldmod, *shift = own + shift_off, *scale = own + scale_off;
        float *q = y + r * n, m, s;
        K(row_stats)(p, n, 0, &m, &s);
        stats[2 * r] = m, stats[2 * r + 1] = s;
#pragma omp simd
        for (long i = 0; i < n; i++) q[i] = (p[i] - m) * s * (1.0f + scale[i]) + shift[i];
    }
}

static void K(mod_norm_backward)(int threads, float *dx, float *dmod, const float *dy, const float *x, const float *stats,
                                 const float *mod, long ldmod, long shift_off, long scale_off, long rows, long n, long each,
                                 int add) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long k = 0; k < rows / each; k++) {
        const float *scale = mod + k * ldmod + scale_off;
        float *dshift = dmod + k * ldmod + shift_off, *dscale = dmod + k * ldmod + scale_off;
        for (long r = k * each; r < (k + 1) * each; r++) {
            const float *p = x + r * n, *d = dy + r * n;
            float *o = dx + r * n;
            float m = stats[2 * r], s = stats[2 * r + 1], a = 0, b = 0;
            if (r == k * each) {
#pragma omp simd reduction(+ : a, b)
                for (long i = 0; i < n; i++) {
                    float xn = (p[i] - m) * s, g = d[i] * (1.0f + scale[i]);
                    dshift[i] = d[i];
                    dscale[i] = d[i] * xn;
                    a += g;
                    b += g * xn;
                }
            } else {
#pragma omp simd reduction(+ : a, b)
                for (long i = 0; i < n; i++) {
                    float xn = (p[i] - m) * s, g = d[i] * (1.0f + scale[i]);
                    dshift[i] += d[i];
                    dscale[i] += d[i] * xn;
                    a += g;
                    b += g * xn;
                }
            }
            a /= n, b /= n;
#pragma omp simd
            for (long i = 0; i < n; i++) {
                float v = s * (d[i] * (1.0f + scale[i]) - a - (p[i] - m) * s * b);
                o[i] = add ? o[i] + v : v;
            }
        }
    }
}

static void K(gate)(int threads, float *y, const float *x, const float *f, const float *mod, long ldmod, long off, long rows,
                    long n, long each) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        const float *p = x + r * n, *q = f + r * n, *g = mod + r / each * ldmod + off;
        float *o = y + r * n;
#pragma omp simd
        for (long i = 0; i < n; i++) o[i] = p[i] + g[i] * q[i];
    }
}

static void K(gate_backward)(int threads, float *df, float *dmod, const float *dout, const float *f, const float *mod, long ldmod,
                             long off, long rows, long n, long each) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long k = 0; k < rows / each; k++) {
        const float *g = mod + k * ldmod + off;
        float *dg = dmod + k * ldmod + off;
        for (long r = k * each; r < (k + 1) * each; r++) {
            const float *d = dout + r * n, *q = f + r * n;
            float *o = df + r * n;
            if (r == k * each) {
#pragma omp simd
                for (long i = 0; i < n; i++) {
                    float v = d[i], w = q[i];
                    o[i] = g[i] * v;
                    dg[i] = w * v;
                }
            } else {
#pragma omp simd
                for (long i = 0; i < n; i++) {
                    float v = d[i], w = q[i];
                    o[i] = g[i] * v;
                    dg[i] += w * v;
                }
            }
        }
    }
}

static void K(rms_norm)(int threads, float *y, const float *x, const float *gain, float *stats, long rows, long n, float eps) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        const float *p = x + r * n;
        float *o = y + r * n, q = 0;
#pragma omp simd reduction(+ : q)
        for (long i = 0; i < n; i++) q += p[i] * p[i];
        float s = 1.0f / sqrtf(q / n + eps);
        stats[r] = s;
        if (gain) {
#pragma omp simd
            for (long i = 0; i < n; i++) o[i] = p[i] * s * gain[i];
        } else {
#pragma omp simd
            for (long i = 0; i < n; i++) o[i] = p[i] * s;
        }
    }
}

// dx = rstd·(g − x̂·mean(g·x̂)), g = dy·gain.
static void K(rms_norm_backward)(int threads, float *dx, float *dgain, const float *dy, const float *x, const float *gain,
                                 const float *stats, long rows, long n, int add) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        const float *p = x + r * n, *d = dy + r * n;
        float *o = dx + r * n, s = stats[r], b = 0;
        if (gain) {
#pragma omp simd reduction(+ : b)
            for (long i = 0; i < n; i++) b += d[i] * gain[i] * p[i];
        } else {
#pragma omp simd reduction(+ : b)
            for (long i = 0; i < n; i++) b += d[i] * p[i];
        }
        b = b * s / n;
#pragma omp simd
        for (long i = 0; i < n; i++) {
            float g = gain ? d[i] * gain[i] : d[i];
            float v = s * (g - p[i] * s * b);
            o[i] = add ? o[i] + v : v;
        }
    }
    if (!gain) return;
    long blocks = (n + 63) / 64; // columns are split, so that the order of additions does not depend on the threads
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long b = 0; b < blocks; b++) {
        long lo = b * 64, w = n - lo < 64 ? n - lo : 64;
        float acc[64] = {0};
        for (long r = 0; r < rows; r++) {
            const float *p = x + r * n + lo, *d = dy + r * n + lo;
            float s = stats[r];
#pragma omp simd
            for (long i = 0; i < w; i++) acc[i] += d[i] * p[i] * s;
        }
        for (long i = 0; i < w; i++) dgain[lo + i] += acc[i];
    }
}
#endif
