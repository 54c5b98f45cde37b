// The plain path: whatever the compiler's default target has.
#define PATH base
#define VECTOR_BYTES 16
#ifdef __aarch64__
#define NV 4 // 32 registers
#else
#define NV 2
#endif
#include "isa.h"
