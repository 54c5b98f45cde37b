// Included once for each vector path with PATH, VECTOR_BYTES and NV (vectors in
// a register tile's row) defined and the target switched on.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "own.h"

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
#define K(name) JOIN(name, PATH)
enum { MR = 6 }; // rows of a register tile

#include "vector.h"
#include "kernel.h"
#include "pack.h"
#include "finish.h"
#include "stream.h"
#include "block.h"

const struct path K(gemm_path) = {.panel = PANEL, .lanes = L, .pack = K(pack), .block = K(block)};
