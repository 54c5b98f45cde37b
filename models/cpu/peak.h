#ifndef OPS_BODY
#define PEAK_OPS(OP) OP(double, fma_loop, (int th, long iterations), (th, iterations))
#else

// Peak arithmetic rate: independent chains of fused multiply-adds in registers.
// Returns the number of floating-point operations done.
static double K(fma_loop)(int threads, long iterations) {
    enum { CHAINS = 12, LANES = VECTOR_BYTES / 4 };
    typedef float vec __attribute__((vector_size(VECTOR_BYTES)));
    volatile float sink = 0;
#pragma omp parallel num_threads(threads)
    {
        vec a[CHAINS], x, y;
        for (int l = 0; l < LANES; l++) x[l] = 0.999f, y[l] = 0.001f;
        for (int c = 0; c < CHAINS; c++)
            for (int l = 0; l < LANES; l++) a[c][l] = c + l;
        for (long i = 0; i < iterations; i++) {
#pragma GCC unroll 12
            for (int c = 0; c < CHAINS; c++) a[c] = a[c] * x + y;
        }
        float s = 0;
        for (int c = 0; c < CHAINS; c++) s += a[c][0];
#pragma omp critical
        sink += s;
    }
    return 2.0 * CHAINS * LANES * (double)iterations * threads;
}
#endif
