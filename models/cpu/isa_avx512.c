#if defined(__x86_64__) && defined(__GNUC__)
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi,bmi2,prefer-vector-width=512")
#define PATH avx512
#define VECTOR_BYTES 64
#include "isa.h"
#endif
