#if defined(__x86_64__) && defined(__GNUC__)
#pragma GCC target("avx2,fma")
#define PATH avx2
#define VECTOR_BYTES 32
#define NV 2
#include "isa.h"
#endif
