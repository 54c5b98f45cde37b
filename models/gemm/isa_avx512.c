#if defined(__x86_64__) && defined(__GNUC__)
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,prefer-vector-width=512")
#include <immintrin.h>
#define PATH avx512
#define VECTOR_BYTES 64
#define NV 4
#include "isa.h"
#endif
