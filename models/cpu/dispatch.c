// One vector path is chosen for the process; pra_NAME calls through it.
#include "ops.h"
#include <string.h>

extern const struct ops ops_base;
#if defined(__x86_64__) && defined(__GNUC__)
extern const struct ops ops_avx2, ops_avx512;
#endif
static const struct ops *chosen = &ops_base;

int pra_select(const char *path) {
    if (!strcmp(path, "base")) chosen = &ops_base;
#if defined(__x86_64__) && defined(__GNUC__)
    else if (!strcmp(path, "avx2"))
        chosen = &ops_avx2;
    else if (!strcmp(path, "avx512"))
        chosen = &ops_avx512;
#endif
    else
        return 0;
    return 1;
}

#define WRAP(R, name, args, call)                                                                                                  \
    R pra_##name args { return chosen->name call; }
OPS(WRAP)
