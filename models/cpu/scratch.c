#include "scratch.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static __thread float *mine;
static __thread long room;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void make_key(void) { pthread_key_create(&key, free); }

float *pra_scratch(long n) {
    if (n <= room) return mine;
    pthread_once(&once, make_key);
    free(mine);
    room = (n + 1023) / 1024 * 1024;
    mine = aligned_alloc(64, room * sizeof(float));
    pthread_setspecific(key, mine);
    if (!mine) {
        fprintf(stderr, "out of memory: %ld bytes of scratch\n", room * (long)sizeof(float));
        abort();
    }
    return mine;
}
