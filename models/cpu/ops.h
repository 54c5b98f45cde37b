// The table of operations. Each is compiled once for every vector path (see
// isa.h) and reached through pra_NAME, which dispatch.c points at the best
// path of the machine. A family's file holds its rows and, where OPS_BODY is
// defined, its functions.
#pragma once

#include "bias.h"
#include "norm.h"
#include "attention.h"
#include "decode.h"
#include "codes.h"
#include "pool.h"
#include "embed.h"
#include "flow.h"
#include "optimiser.h"
#include "peak.h"

#define OPS(OP)                                                                                                                    \
    BIAS_OPS(OP)                                                                                                                   \
    NORM_OPS(OP)                                                                                                                   \
    ATTENTION_OPS(OP) DECODE_OPS(OP) CODES_OPS(OP) POOL_OPS(OP) EMBED_OPS(OP) FLOW_OPS(OP) OPTIMISER_OPS(OP) PEAK_OPS(OP)

#define DECLARE(R, name, args, call) R pra_##name args;
OPS(DECLARE)
#undef DECLARE

struct ops {
#define FIELD(R, name, args, call) R(*name) args;
    OPS(FIELD)
#undef FIELD
};

// pra_select picks "avx512", "avx2" or "base"; 0 for another name. Whether this
// machine has it was asked of package gemm.
int pra_select(const char *path);
