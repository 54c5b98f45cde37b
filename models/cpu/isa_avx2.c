#if defined(__x86_64__) && defined(__GNUC__)
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#pragma GCC target("avx2,fma,bmi,bmi2")
#define PATH avx2
#define VECTOR_BYTES 32
#include "isa.h"
#endif
