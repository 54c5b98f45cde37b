// What attention.cu and attention_bf16.cu have in common: which tokens read which.
#pragma once
#include "scalar.h"

#define NONE (-3.402823466e38f)

// How many tokens token i reads, the first ones: device.ReadTokens.
KC_DEVICE int reads(int i, int block, int prefix) { return i < prefix ? prefix : prefix + ((i - prefix) / block + 1) * block; }

// The first token that reads token j.
KC_DEVICE int first_reader(int j, int block, int prefix) { return j < prefix ? 0 : prefix + (j - prefix) / block * block; }
