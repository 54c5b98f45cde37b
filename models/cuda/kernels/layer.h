// A block of a layer of few rows, for its kernels (skinny_bf16.cu) and for a chain of
// them (chain_bf16.cu).
#pragma once
#include "bodies.h"
#include "epilogue.h"

enum { SIDE = 64, DEPTH = 64, STAGES = 3, THREADS = 256, ALONG = DEPTH + 8, TILE = SIDE + 4, FOURS = SIDE * SIDE / 4 / THREADS };
enum { X_BYTES = 2 * SIDE * ALONG * 2, W_BYTES = STAGES * DEPTH * ALONG * 2 };
typedef unsigned short half; // a bf16

// What is done to the rows of x: x̂·(one + scale) + shift, with rows of ldmod values of
// scale and shift for each rows in turn; affine ones have one row and one = 0.
struct Norm {
    const float *moments, *scale, *shift;
    int ldmod, each;
    float one;
};

// Mean and 1/σ of 64 rows of k values from their moments, four threads a row.
KC_DEVICE void stats_of(float *stat, const Norm &norm, i64 row0, int m, int k) {
    int row = threadIdx.x / 4, parts = (k + SIDE - 1) / SIDE;
    const float *p = norm.moments + (row0 + row < m ? row0 + row : row0) * parts * 2;
    float s = 0, q = 0;
    UNROLL_4 for (int i = threadIdx.x % 4; i < parts; i += 4) {
        float n = i * SIDE + SIDE <= k ? SIDE : k - i * SIDE;
        s += n * p[2 * i];
    }
    s += kc_xor(s, 1);
    s += kc_xor(s, 2);
    s /= k;
    UNROLL_4 for (int i = threadIdx.x % 4; i < parts; i += 4) {
        float n = i * SIDE + SIDE <= k ? SIDE : k - i * SIDE, d = p[2 * i] - s;
        q += p[2 * i + 1] + n * d * d;
    }
    q += kc_xor(q, 1);
    q += kc_xor(q, 2);
    if (threadIdx.x % 4 == 0) stat[2 * row] = s, stat[2 * row + 1] = 1.0f / kc_sqrt(q / k + NORM_EPS);
}

// A slice of x in registers: loaded while the one before it is multiplied.
template <bool NORM> struct Rows {
    kc_f4 x[FOURS], scale[NORM ? FOURS : 1], shift[NORM ? FOURS : 1];

    KC_MEMBER void fetch(const float *from, const Norm &norm, i64 row0, int m, int k, int k0, int to) {
        UNROLL for (int l = 0; l < FOURS; l++) {
            int at = threadIdx.x + l * THREADS;
            i64 row = row0 + at / (DEPTH / 4);
            int col = k0 + at % (DEPTH / 4) * 4;
            x[l] = kc_f4{0, 0, 0, 0};
            if (NORM) scale[l] = shift[l] = x[l];
            if (row >= m || col >= to) continue;
            x[l] = *(const kc_f4 *)(from + row * k + col);
            if (NORM) {
                i64 mod = row / norm.each * norm.ldmod + col;
                scale[l] = *(const kc_f4 *)(norm.scale + mod);
                shift[l] = *(const kc_f4 *)(norm.shift + mod);
            }
        }
    }
    // Rounds to bf16, 0 outside the matrix.
    KC_MEMBER void store(half *s, const float *stat, float one, i64 row0, int m, int k0, int to) const {
        UNROLL for (int l = 0; l < FOURS; l++) {
            int at = threadIdx.x + l * THREADS, row = at / (DEPTH / 4), col = at % (DEPTH / 4) * 4;
            kc_f4 v = x[l];
            if (NORM && row0 + row < m && k0 + col < to) {
                float mean = stat[2 * row], d = stat[2 * row + 1];
                v.x = (v.x - mean) * d * (one + scale[l].x) + shift[l].x;
                v.y = (v.y - mean) * d * (one + scale[l].y) + shift[l].y;
                v.z = (v.z - mean) * d * (one + scale[l].z) + shift[l].z;
                v.w = (v.w - mean) * d * (one + scale[l].w) + shift[l].w;
            }
            u32 *p = (u32 *)(s + row * ALONG + col);
            p[0] = kc_bf16x2(v.x, v.y);
            p[1] = kc_bf16x2(v.z, v.w);
        }
    }
};

// Begins the copy of a slice of w [k, n], 0 outside.
KC_DEVICE void copy_slice(half *s, const half *w, int n, i64 col0, int k0, int to) {
    UNROLL for (int l = 0; l < DEPTH * SIDE / 8 / THREADS; l++) {
        int at = threadIdx.x + l * THREADS, row = at / (SIDE / 8), col = at % (SIDE / 8) * 8;
        bool in = k0 + row < to && col0 + col < n;
        kc_copy16(s + row * ALONG + col, in ? w + (i64)(k0 + row) * n + col0 + col : w, in ? 16 : 0);
    }
}

// acc += a slice of x · a slice of w; a warp has 32 × 16 of the tile.
KC_DEVICE void multiply(float acc[2][2][4], const half *x, const half *w) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, wr = warp % 2 * 32, wc = warp / 2 * 16;
    UNROLL for (int k = 0; k < DEPTH; k += 16) {
        u32 a[2][4], b[4];
        UNROLL for (int i = 0; i < 2; i++) kc_matrices(a[i], x + (wr + i * 16 + lane % 16) * ALONG + k + lane / 16 * 8);
        kc_matrices_t(b, w + (k + lane % 16) * ALONG + wc + lane / 16 * 8);
        UNROLL for (int i = 0; i < 2; i++) UNROLL for (int j = 0; j < 2; j++) kc_mma(acc[i][j], a[i], b + 2 * j);
    }
}

// Leaves a part in memory and says whether this block is the last of its tile's.
KC_DEVICE bool last_of_tile(float *shared, const float *tile, float *part, u32 *count, int rows, const Block &block) {
    u32 *ticket = (u32 *)shared;
    UNROLL for (int l = 0; l < FOURS; l++) {
        int at = threadIdx.x + l * THREADS;
        if (at < rows * (SIDE / 4))
            *(kc_f4 *)(part + 4 * at) = *(const kc_f4 *)(tile + at / (SIDE / 4) * TILE + at % (SIDE / 4) * 4);
    }
    kc_fence();
    kc_barrier();
    if (threadIdx.x == 0) *ticket = kc_ticket(count, block.nz - 1);
    kc_barrier();
    bool last = *ticket == block.nz - 1;
    if (last) kc_fence();
    return last;
}

// The sum of a tile's parts in their order; this block's own is in tile still.
KC_DEVICE void sum_parts(kc_f4 sum[FOURS], const float *tile, const float *parts, int rows, const Block &block) {
    UNROLL for (int l = 0; l < FOURS; l++) sum[l] = kc_f4{0, 0, 0, 0};
    ROLLED for (int s = 0; s < (int)block.nz; s += 2) {
        kc_f4 v[2][FOURS];
        UNROLL for (int u = 0; u < 2; u++) UNROLL for (int l = 0; l < FOURS; l++) { // all under way before one is used
            int at = threadIdx.x + l * THREADS;
            v[u][l] = kc_f4{0, 0, 0, 0};
            if (at >= rows * (SIDE / 4) || s + u >= (int)block.nz) continue;
            if (s + u == (int)block.z)
                v[u][l] = *(const kc_f4 *)(tile + at / (SIDE / 4) * TILE + at % (SIDE / 4) * 4);
            else
                v[u][l] = kc_fresh4(parts + (i64)(s + u) * SIDE * SIDE + 4 * at);
        }
        UNROLL for (int u = 0; u < 2; u++) UNROLL for (int l = 0; l < FOURS; l++) {
            sum[l].x += v[u][l].x;
            sum[l].y += v[u][l].y;
            sum[l].z += v[u][l].z;
            sum[l].w += v[u][l].w;
        }
    }
}

// The epilogue of one element.
KC_DEVICE float finished(float f, float bias, float *pre, const Epilogue &e, float gate, float residual) {
    if (e.bias) f += bias;
    if (pre) *pre = f;
    f = activate(e.act, f);
    if (e.gate) f *= gate;
    if (e.residual) f = residual + f;
    return f;
}

// y ← epilogue(sum), four values a time; what is read is under way before it is needed.
KC_DEVICE void finish_tile(float *tile, float *y, const kc_f4 sum[FOURS], i64 row0, i64 col0, int rows, int n, const Epilogue &e) {
    i64 col = col0 + threadIdx.x % (SIDE / 4) * 4;
    if (col >= n) return;
    kc_f4 none = kc_f4{0, 0, 0, 0}, bias = e.bias ? *(const kc_f4 *)(e.bias + col) : none, gate[FOURS], residual[FOURS];
    UNROLL for (int l = 0; l < FOURS; l++) {
        int r = (threadIdx.x + l * THREADS) / (SIDE / 4);
        gate[l] = residual[l] = none;
        if (r >= rows) continue;
        if (e.gate) gate[l] = *(const kc_f4 *)(e.gate + (row0 + r) * e.ldgate + col);
        if (e.residual) residual[l] = *(const kc_f4 *)(e.residual + (row0 + r) * n + col);
    }
    UNROLL for (int l = 0; l < FOURS; l++) {
        int r = (threadIdx.x + l * THREADS) / (SIDE / 4);
        if (r >= rows) continue;
        i64 at = (row0 + r) * n + col;
        float *pre = e.pre ? e.pre + at : 0;
        kc_f4 f;
        f.x = finished(sum[l].x, bias.x, pre, e, gate[l].x, residual[l].x);
        f.y = finished(sum[l].y, bias.y, pre ? pre + 1 : 0, e, gate[l].y, residual[l].y);
        f.z = finished(sum[l].z, bias.z, pre ? pre + 2 : 0, e, gate[l].z, residual[l].z);
        f.w = finished(sum[l].w, bias.w, pre ? pre + 3 : 0, e, gate[l].w, residual[l].w);
        *(kc_f4 *)(y + at) = f;
        *(kc_f4 *)(tile + r * TILE + col - col0) = f;
    }
}

// Moments of the tile's rows of cols values, four threads a row.
KC_DEVICE void tile_moments(float *moments, const float *tile, i64 row0, int rows, int cols, int n, const Block &block) {
    int row = threadIdx.x / 4, from = threadIdx.x % 4 * (SIDE / 4), to = from + SIDE / 4 < cols ? from + SIDE / 4 : cols;
    float s = 0, q = 0;
    if (row < rows)
        for (int i = from; i < to; i++) s += tile[row * TILE + i];
    s += kc_xor(s, 1);
    s += kc_xor(s, 2);
    s /= cols;
    if (row < rows)
        for (int i = from; i < to; i++) {
            float d = tile[row * TILE + i] - s;
            q += d * d;
        }
    q += kc_xor(q, 1);
    q += kc_xor(q, 2);
    if (row >= rows || threadIdx.x % 4) return;
    float *p = moments + ((row0 + row) * ((n + SIDE - 1) / SIDE) + block.y) * 2;
    p[0] = s, p[1] = q;
}

// The operands of a layer, as the arguments of its kernels are.
struct Layer {
    float *y;
    const float *x;
    const half *w;
    int m, n, k, depth;
    float *part;
    u32 *count;
    Epilogue e;
    float *moments;
};

// Begins the copies of a block's first slices of w. They may be under way before what
// the layer reads besides is there.
KC_DEVICE void layer_begin(float *shared, const Layer &l, const Block &block) {
    half *ws = (half *)shared + X_BYTES / 2;
    int from = block.z * l.depth, to = from + l.depth < l.k ? from + l.depth : l.k;
    UNROLL for (int i = 0; i < STAGES - 1; i++) {
        copy_slice(ws + i * DEPTH * ALONG, l.w, l.n, (i64)block.y * SIDE, from + i * DEPTH, to);
        kc_commit();
    }
}

// A layer's block, after layer_begin.
template <bool NORM> KC_DEVICE void layer(float *shared, const Layer &l, const Norm &norm, const Block &block) {
    half *xs = (half *)shared, *ws = xs + X_BYTES / 2;
    float *stat = shared + (X_BYTES + W_BYTES) / 4, *tile = shared; // the tile takes x's place after the last slice
    i64 row0 = (i64)block.x * SIDE, col0 = (i64)block.y * SIDE;
    int m = l.m, n = l.n, k = l.k, from = block.z * l.depth, to = from + l.depth < k ? from + l.depth : k;
    Rows<NORM> next;
    next.fetch(l.x, norm, row0, m, k, from, to);
    if (NORM) {
        stats_of(stat, norm, row0, m, k);
        kc_barrier();
    }
    float acc[2][2][4];
    UNROLL for (int i = 0; i < 2; i++) UNROLL for (int j = 0; j < 2; j++) UNROLL for (int f = 0; f < 4; f++) acc[i][j][f] = 0;
    int now = 0;
    ROLLED for (int k0 = from, i = 0; k0 < to; k0 += DEPTH, i++) {
        half *xi = xs + i % 2 * SIDE * ALONG;
        next.store(xi, stat, norm.one, row0, m, k0, to);
        kc_wait<STAGES - 2>();
        kc_barrier();
        int later = now + STAGES - 1 < STAGES ? now + STAGES - 1 : now - 1;
        copy_slice(ws + later * DEPTH * ALONG, l.w, n, col0, k0 + (STAGES - 1) * DEPTH, to);
        kc_commit();
        next.fetch(l.x, norm, row0, m, k, k0 + DEPTH, to);
        multiply(acc, xi, ws + now * DEPTH * ALONG);
        now = now + 1 < STAGES ? now + 1 : 0;
    }
    kc_wait<0>();
    kc_barrier();
    int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4, wr = warp % 2 * 32, wc = warp / 2 * 16;
    UNROLL for (int i = 0; i < 2; i++) UNROLL for (int j = 0; j < 2; j++) UNROLL for (int f = 0; f < 4; f++)
        tile[(wr + i * 16 + g + f / 2 * 8) * TILE + wc + j * 8 + 2 * t + f % 2] = acc[i][j][f];
    kc_barrier();
    int rows = m - row0 < SIDE ? (int)(m - row0) : SIDE, cols = n - col0 < SIDE ? (int)(n - col0) : SIDE;
    kc_f4 sum[FOURS];
    if (block.nz > 1) {
        i64 number = block.x + (i64)block.nx * block.y;
        float *parts = l.part + number * block.nz * SIDE * SIDE;
        if (!last_of_tile(stat, tile, parts + (i64)block.z * SIDE * SIDE, l.count + number, rows, block)) return;
        sum_parts(sum, tile, parts, rows, block);
    } else {
        UNROLL for (int f = 0; f < FOURS; f++) {
            int at = threadIdx.x + f * THREADS;
            sum[f] = *(const kc_f4 *)(tile + at / (SIDE / 4) * TILE + at % (SIDE / 4) * 4);
        }
    }
    finish_tile(tile, l.y, sum, row0, col0, rows, n, l.e);
    if (!l.moments) return;
    kc_barrier();
    tile_moments(l.moments, tile, row0, rows, cols, n, block);
}

// Moments of a row of n values that another kernel wrote, 64 values a warp.
KC_DEVICE void moments_block(i64 r, float *moments, const float *x, int n) {
    int lane = threadIdx.x % 32, parts = (n + SIDE - 1) / SIDE;
    for (int i = threadIdx.x / 32; i < parts; i += blockDim.x / 32) {
        int at = i * SIDE + lane, cols = n - i * SIDE < SIDE ? n - i * SIDE : SIDE;
        float a = at < n ? x[r * n + at] : 0, b = at + 32 < n ? x[r * n + at + 32] : 0;
        float mean = warp_sum(a + b) / cols, d = at < n ? a - mean : 0, f = at + 32 < n ? b - mean : 0;
        float q = warp_sum(d * d + f * f);
        if (lane == 0) moments[(r * parts + i) * 2] = mean, moments[(r * parts + i) * 2 + 1] = q;
    }
}
