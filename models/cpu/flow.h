// The flow head's condition, the noise mixes, the losses and the velocity.
#ifndef OPS_BODY
#define FLOW_OPS(OP)                                                                                                               \
    OP(void, cond_act,                                                                                                             \
       (int th, float *y, float *pre, const float *time, const float *cond, long rows, long trows, long crows, long n),            \
       (th, y, pre, time, cond, rows, trows, crows, n))                                                                            \
    OP(void, cond_act_backward,                                                                                                    \
       (int th, float *dtime, float *dcond, const float *dy, const float *pre, long rows, long crows, long n),                     \
       (th, dtime, dcond, dy, pre, rows, crows, n))                                                                                \
    OP(void, row_mix,                                                                                                              \
       (int th, float *dst, const float *a, const float *x, const float *b, const float *y, long rows, long n, long xrows),        \
       (th, dst, a, x, b, y, rows, n, xrows))                                                                                      \
    OP(void, mix, (int th, float *dst, float a, const float *x, float b, const float *y, long n), (th, dst, a, x, b, y, n))        \
    OP(void, weighted_error,                                                                                                       \
       (int th, float *loss, float *grad, const float *pred, const float *target, const float *w, long rows, long n, long trows,   \
        float scale, int absolute),                                                                                                \
       (th, loss, grad, pred, target, w, rows, n, trows, scale, absolute))                                                         \
    OP(void, velocity, (int th, float *v, const float *o, const float *onull, const float *z, float guidance, float inv, long n),  \
       (th, v, o, onull, z, guidance, inv, n))                                                                                     \
    OP(void, sinusoid, (int th, float *out, const float *t, long rows, long dim), (th, out, t, rows, dim))                         \
    OP(void, flow_step,                                                                                                            \
       (int th, float *z, float *v, const float *o, const float *onull, float guidance, float inv, float dt, long n),              \
       (th, z, v, o, onull, guidance, inv, dt, n))
#else

static void K(cond_act)(int threads, float *y, float *pre, const float *time, const float *cond, long rows, long trows, long crows,
                        long n) {
    long each = rows / trows; // rows that share a time
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        const float *t = time + r / each * n, *c = cond + (r % crows) * n;
        float *o = y + r * n;
        if (pre) {
            float *p = pre + r * n;
#pragma omp simd
            for (long i = 0; i < n; i++) {
                float v = t[i] + c[i];
                p[i] = v;
                o[i] = K(silu)(v);
            }
        } else {
#pragma omp simd
            for (long i = 0; i < n; i++) o[i] = K(silu)(t[i] + c[i]);
        }
    }
}

static void K(cond_act_backward)(int threads, float *dtime, float *dcond, const float *dy, const float *pre, long rows, long crows,
                                 long n) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long c = 0; c < crows; c++) {
        float *a = dcond + c * n;
        for (long r = c; r < rows; r += crows) {
            const float *d = dy + r * n, *p = pre + r * n;
            float *t = dtime + r * n;
#pragma omp simd
            for (long i = 0; i < n; i++) {
                float v = d[i] * K(dsilu)(p[i]);
                t[i] = v;
                a[i] = r == c ? v : a[i] + v;
            }
        }
    }
}

static void K(row_mix)(int threads, float *dst, const float *a, const float *x, const float *b, const float *y, long rows, long n,
                       long xrows) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        float *o = dst + r * n, p = a[r], q = b[r];
        const float *u = x + (r % xrows) * n, *v = y + r * n;
#pragma omp simd
        for (long i = 0; i < n; i++) o[i] = p * u[i] + q * v[i];
    }
}

static void K(mix)(int threads, float *dst, float a, const float *x, float b, const float *y, long n) {
#pragma omp parallel for simd num_threads(threads) schedule(static) if (n > SERIAL)
    for (long i = 0; i < n; i++) dst[i] = a * x[i] + b * y[i];
}

static void K(weighted_error)(int threads, float *loss, float *grad, const float *pred, const float *target, const float *w,
                              long rows, long n, long trows, float scale, int absolute) {
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * n > SERIAL)
    for (long r = 0; r < rows; r++) {
        const float *p = pred + r * n, *t = target + (r % trows) * n;
        float *g = grad + r * n, by = w[r], s = 0;
        if (absolute) {
#pragma omp simd reduction(+ : s)
            for (long i = 0; i < n; i++) {
                float e = by * (p[i] - t[i]);
                s += fabsf(e);
                g[i] = e > 0 ? scale * by : e < 0 ? -scale * by : 0;
            }
            loss[r] = s;
            continue;
        }
#pragma omp simd reduction(+ : s)
        for (long i = 0; i < n; i++) {
            float e = by * (p[i] - t[i]);
            s += e * e;
            g[i] = 2.0f * scale * by * e;
        }
        loss[r] = s;
    }
}

static void K(velocity)(int threads, float *v, const float *o, const float *onull, const float *z, float guidance, float inv,
                        long n) {
#pragma omp parallel for simd num_threads(threads) schedule(static) if (n > SERIAL)
    for (long i = 0; i < n; i++) {
        float x = onull ? o[i] + guidance * (o[i] - onull[i]) : o[i];
        v[i] = inv != 0 ? (x - z[i]) * inv : x;
    }
}

static void K(sinusoid)(int threads, float *out, const float *t, long rows, long dim) {
    long half = dim / 2;
    float w[512];
    for (long i = 0; i < half; i++) w[i] = (float)(100.0 * pow(1000.0, -(double)i / half));
#pragma omp parallel for num_threads(threads) schedule(static) if (rows * dim > SERIAL / 8)
    for (long r = 0; r < rows; r++)
        for (long i = 0; i < half; i++) {
            float a = t[r] * w[i];
            out[r * dim + i] = cosf(a);
            out[r * dim + half + i] = sinf(a);
        }
}

// The two operations one after the other, so that it rounds as they do.
static void K(flow_step)(int threads, float *z, float *v, const float *o, const float *onull, float guidance, float inv, float dt,
                         long n) {
    K(velocity)(threads, v, o, onull, z, guidance, inv, n);
    K(mix)(threads, z, 1, z, dt, v, n);
}
#endif
