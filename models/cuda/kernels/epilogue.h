// What follows a product f: bias, pre, activation, gate and residual, those that
// are there, in this order. gate points at row 0's first gate; pre and residual
// have rows of ldc like the result.
#pragma once
#include "scalar.h"

struct Epilogue {
    const float *bias;
    float *pre;
    int act;
    const float *gate;
    int ldgate;
    const float *residual;
};

KC_DEVICE void finish_element(float *y, float f, i64 row, int col, int ldc, const Epilogue &e) {
    i64 at = row * ldc + col;
    if (e.bias) f += e.bias[col];
    if (e.pre) e.pre[at] = f;
    f = activate(e.act, f);
    if (e.gate) f *= e.gate[row * e.ldgate + col];
    if (e.residual) f = e.residual[at] + f;
    y[at] = f;
}

// Where a product's results go: to C through the epilogue, or as they are to
// the split's part.
struct Result {
    float *c, *part; // part is 0 where the depth is not split
    i64 m, n;
    int ldc;
    float alpha, beta;
    Epilogue e;
};

KC_DEVICE void put(const Result &r, float f, i64 row, i64 col) {
    if (row >= r.m || col >= r.n) return;
    if (r.part) {
        r.part[row * r.n + col] = f;
        return;
    }
    f *= r.alpha;
    if (r.beta != 0) f += r.beta * r.c[row * r.ldc + col];
    finish_element(r.c, f, row, (int)col, r.ldc, r.e);
}
