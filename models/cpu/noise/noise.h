#pragma once
#include <stdint.h>
void prabench_philox(const uint32_t ctr[4], uint64_t key, uint32_t out[4]);
void prabench_normal(int threads, float *dst, const int *ids, long batch, long tokens, long at, long dim, uint64_t key,
                     uint32_t stream);
