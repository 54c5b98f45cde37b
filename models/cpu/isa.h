// Included once for each vector path with PATH and VECTOR_BYTES defined and
// the target switched on: compiles every operation under the name NAME_PATH.
#pragma GCC optimize("no-math-errno", "no-trapping-math") // square roots and comparisons vectorise
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "ops.h"
#include "scratch.h"

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
#define K(name) JOIN(name, PATH)
#define SERIAL 16384 // fewer elements than this are not worth waking a thread
#define NORM_EPS 1e-5f
enum { ACT_NONE, ACT_SILU, ACT_GELU };

#define OPS_BODY
#include "scalar.h"
#include "bias.h"
#include "norm.h"
#include "tile.h"
#include "attention.h"
#include "decode.h"
#include "codes.h"
#include "pool.h"
#include "embed.h"
#include "flow.h"
#include "optimiser.h"
#include "peak.h"

#define ENTRY(R, name, args, call) .name = K(name),
const struct ops K(ops) = {OPS(ENTRY)};
