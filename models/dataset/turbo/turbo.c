// libjpeg-turbo by dlopen: the TurboJPEG API of versions 1.4 and later, whose
// functions and numbers version 3 still has.
#include "turbo.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

typedef void *(*init_fn)(void);
typedef int (*header_fn)(void *, const unsigned char *, unsigned long, int *, int *, int *, int *);
typedef int (*decode_fn)(void *, const unsigned char *, unsigned long, unsigned char *, int, int, int, int, int);
typedef int (*destroy_fn)(void *);

static init_fn init;
static header_fn header;
static decode_fn decode;
static destroy_fn destroy;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    void *lib = dlopen("libturbojpeg.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!lib) return;
    header = (header_fn)dlsym(lib, "tjDecompressHeader3");
    decode = (decode_fn)dlsym(lib, "tjDecompress2");
    destroy = (destroy_fn)dlsym(lib, "tjDestroy");
    init = (init_fn)dlsym(lib, "tjInitDecompress");
    if (!header || !decode || !destroy) init = NULL;
}

int pra_turbo_here(void) {
    pthread_once(&once, load);
    return init != NULL;
}

// Colour spaces and pixel formats of the API.
enum { YCBCR = 1, GRAY = 2, RGB = 0 };
enum { FORMAT_RGB = 0 };
enum { ACCURATE_DCT = 4096 };

int pra_turbo_header(const unsigned char *jpeg, unsigned long size, int *width, int *height) {
    if (!pra_turbo_here()) return -1;
    void *h = init();
    if (!h) return -1;
    int sampling, colours;
    int failed = header(h, jpeg, size, width, height, &sampling, &colours) != 0 || colours < 0 || colours > GRAY;
    destroy(h);
    return failed ? -1 : 0;
}

int pra_turbo_decode(const unsigned char *jpeg, unsigned long size, unsigned char *rgb, int width, int height) {
    if (!pra_turbo_here()) return -1;
    void *h = init();
    if (!h) return -1;
    // A warning, as of a damaged scan, gives -1 too.
    int failed = decode(h, jpeg, size, rgb, width, 0, height, FORMAT_RGB, ACCURATE_DCT);
    destroy(h);
    return failed ? -1 : 0;
}
