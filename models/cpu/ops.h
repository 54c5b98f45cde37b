// The table of operations. Each is compiled once for every vector path (see
// isa.h) and reached through pra_NAME, which dispatch.c points at the best
// path of the machine.
#pragma once
#define OPS(OP)                                                                                                                  \
    OP(void, epilogue, (int th, float *y, float *f, const float *bias, int act, const float *gate, long ldgate, const float *residual, long rows, long n), \
       (th, y, f, bias, act, gate, ldgate, residual, rows, n))                                                                   \
    OP(void, bias_act_backward, (int th, float *dpre, float *dbias, const float *dy, const float *pre, long rows, long n, int act), \
       (th, dpre, dbias, dy, pre, rows, n, act))                                                                                 \
    OP(void, norm, (int th, float *y, const float *x, const float *gain, const float *bias, float *stats, long rows, long n, int sphere), \
       (th, y, x, gain, bias, stats, rows, n, sphere))                                                                           \
    OP(void, norm_backward, (int th, float *dx, float *dgain, float *dbias, const float *dy, const float *x, const float *gain, const float *stats, long rows, long n, int sphere, int add), \
       (th, dx, dgain, dbias, dy, x, gain, stats, rows, n, sphere, add))                                                         \
    OP(void, mod_norm, (int th, float *y, const float *x, float *stats, const float *mod, long ldmod, long so, long co, long rows, long n), \
       (th, y, x, stats, mod, ldmod, so, co, rows, n))                                                                           \
    OP(void, mod_norm_backward, (int th, float *dx, float *dmod, const float *dy, const float *x, const float *stats, const float *mod, long ldmod, long so, long co, long rows, long n, int add), \
       (th, dx, dmod, dy, x, stats, mod, ldmod, so, co, rows, n, add))                                                           \
    OP(void, gate_backward, (int th, float *df, float *dmod, const float *dout, const float *f, const float *mod, long ldmod, long off, long rows, long n), \
       (th, df, dmod, dout, f, mod, ldmod, off, rows, n))                                                                        \
    OP(void, attention, (int th, float *out, const float *qkv, float *lse, long batch, long tokens, long heads, long width, long block), \
       (th, out, qkv, lse, batch, tokens, heads, width, block))                                                                  \
    OP(void, attention_backward, (int th, float *dqkv, const float *dout, const float *out, const float *qkv, const float *lse, long batch, long tokens, long heads, long width, long block), \
       (th, dqkv, dout, out, qkv, lse, batch, tokens, heads, width, block))                                                      \
    OP(void, attention_decode, (int th, float *out, const float *qkv, float *cache, long batch, long at, long n, long capacity, long heads, long width), \
       (th, out, qkv, cache, batch, at, n, capacity, heads, width))                                                              \
    OP(void, embed, (int th, float *u, const float *proj, const float *start, const float *inpos, const float *pos, const float *class, const int *labels, const int *order, long batch, long at, long n, long proj_at, long proj_tokens, long width, long block), \
       (th, u, proj, start, inpos, pos, class, labels, order, batch, at, n, proj_at, proj_tokens, width, block))                 \
    OP(void, embed_backward, (int th, float *dproj, float *dstart, float *dinpos, float *dpos, float *dclass, const float *du, const int *labels, const int *order, long batch, long tokens, long width, long block), \
       (th, dproj, dstart, dinpos, dpos, dclass, du, labels, order, batch, tokens, width, block))                                \
    OP(void, cond_act, (int th, float *y, float *pre, const float *time, const float *cond, long rows, long trows, long crows, long n), \
       (th, y, pre, time, cond, rows, trows, crows, n))                                                                          \
    OP(void, cond_act_backward, (int th, float *dtime, float *dcond, const float *dy, const float *pre, long rows, long crows, long n), \
       (th, dtime, dcond, dy, pre, rows, crows, n))                                                                              \
    OP(void, row_mix, (int th, float *dst, const float *a, const float *x, const float *b, const float *y, long rows, long n, long xrows), \
       (th, dst, a, x, b, y, rows, n, xrows))                                                                                    \
    OP(void, mix, (int th, float *dst, float a, const float *x, float b, const float *y, long n), (th, dst, a, x, b, y, n))      \
    OP(void, weighted_error, (int th, float *loss, float *grad, const float *pred, const float *target, const float *w, long rows, long n, long trows, float scale), \
       (th, loss, grad, pred, target, w, rows, n, trows, scale))                                                                 \
    OP(void, velocity, (int th, float *v, const float *o, const float *onull, const float *z, float guidance, float inv, long n), \
       (th, v, o, onull, z, guidance, inv, n))                                                                                   \
    OP(void, sinusoid, (int th, float *out, const float *t, long rows, long dim), (th, out, t, rows, dim))                       \
    OP(double, sum_squares, (int th, const float *x, long n), (th, x, n))                                                        \
    OP(void, adamw, (int th, float *p, const float *g, float *m, float *v, float *ema, long n, float lr, float b1, float b2, float rest1, float rest2, float eps, float wd, float c1, float c2, float gs, float decay, float rest), \
       (th, p, g, m, v, ema, n, lr, b1, b2, rest1, rest2, eps, wd, c1, c2, gs, decay, rest))                                                         \
    OP(double, fma_loop, (int th, long iterations), (th, iterations))

#define DECLARE(R, name, args, call) R pra_##name args;
OPS(DECLARE)
#undef DECLARE

struct ops {
#define FIELD(R, name, args, call) R(*name) args;
    OPS(FIELD)
#undef FIELD
};

// pra_select picks "avx512", "avx2" or "base"; 0 for another name. Whether this
// machine has it was asked of package gemm.
int pra_select(const char *path);
