// pra_pin keeps each of the calling thread's team of OpenMP threads on a
// processor of its own where there are as many as the process may use, and lets
// them go again with on = 0. Elsewhere it does nothing.
#pragma once
void pra_pin(int threads, int on);
