#ifndef PRA_TURBO_H
#define PRA_TURBO_H

// Whether the library could be opened.
int pra_turbo_here(void);

// Width and height of a JPEG file in grey, YCbCr or RGB; -1 for others.
int pra_turbo_header(const unsigned char *jpeg, unsigned long size, int *width, int *height);

// Decodes to rgb [height, width, 3]; -1 where the library finds any fault.
int pra_turbo_decode(const unsigned char *jpeg, unsigned long size, unsigned char *rgb, int width, int height);

#endif
