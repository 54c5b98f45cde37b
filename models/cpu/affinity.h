// pra_pin keeps each of the calling thread's team of OpenMP threads, those from
// first on out of of, on a processor of its own where there are as many
// processors as of, and lets them go again with on = 0. Elsewhere it does nothing.
#pragma once
void pra_pin(int first, int threads, int of, int on);
