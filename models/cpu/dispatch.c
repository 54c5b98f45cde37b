// One vector path is chosen for the process; pra_NAME calls through it.
#include "ops.h"
#include <string.h>

extern const struct ops ops_base;
#if defined(__x86_64__) && defined(__GNUC__)
extern const struct ops ops_avx2, ops_avx512;
#endif
static const struct ops *chosen = &ops_base;

int pra_select(const char *path) {
    if (!strcmp(path, "base")) {
        chosen = &ops_base;
        return 1;
    }
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (!strcmp(path, "avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        chosen = &ops_avx2;
        return 1;
    }
    if (!strcmp(path, "avx512") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
        chosen = &ops_avx512;
        return 1;
    }
#endif
    return 0;
}

#define WRAP(R, name, args, call)                                                                                                \
    R pra_##name args { return chosen->name call; }
OPS(WRAP)
