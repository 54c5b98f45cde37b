// Vectors of a path, and how a register tile of sums reaches C.
typedef float K(vec) __attribute__((vector_size(VECTOR_BYTES)));
typedef float K(uvec) __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
enum { K(lanes) = VECTOR_BYTES / 4 };
#define VEC K(vec)
#define L K(lanes)
#define LOAD(p) ((VEC) * (const K(uvec) *)(p))
#define STORE(p, x) (*(K(uvec) *)(p) = (K(uvec))(x))
#define INLINE static inline __attribute__((always_inline))

// The first n < L values at p and 0 behind them; and the way back.
#ifdef __AVX512F__
INLINE VEC K(load_some)(const float *p, long n) { return (VEC)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
INLINE void K(store_some)(float *p, VEC x, long n) { _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)x); }
#else
INLINE VEC K(load_some)(const float *p, long n) {
    VEC x = {0};
    memcpy(&x, p, n * sizeof(float));
    return x;
}
INLINE void K(store_some)(float *p, VEC x, long n) { memcpy(p, &x, n * sizeof(float)); }
#endif

// Rows of 64 columns that are needed at the end of a tile, fetched while it is computed:
// their lines would be waited for one after another otherwise.
INLINE void K(ahead)(const float *p, long ld, const int rows, const int write) {
    if (!p) return;
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int v = 0; v < NV * VECTOR_BYTES / 64; v++)
            if (write)
                __builtin_prefetch(p + i * ld + v * 16, 1);
            else
                __builtin_prefetch(p + i * ld + v * 16);
}

// C ← alpha·acc [+ beta·C]. The last vector of a row has w columns, or is whole.
INLINE void K(write)(const int mr, const int nv, const int add, const int whole, VEC (*acc)[NV], float alpha, float beta, float *c,
                     long ldc, long w) {
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 8
        for (int v = 0; v < nv; v++) {
            float *to = c + i * ldc + v * L;
            if (whole || v < nv - 1)
                STORE(to, add ? alpha * acc[i][v] + beta * LOAD(to) : alpha * acc[i][v]);
            else
                K(store_some)(to, add ? alpha * acc[i][v] + beta * K(load_some)(to, w) : alpha * acc[i][v], w);
        }
}
