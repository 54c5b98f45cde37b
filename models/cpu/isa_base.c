// The plain path: whatever the compiler's default target has.
#define PATH base
#define VECTOR_BYTES 16
#include "isa.h"
