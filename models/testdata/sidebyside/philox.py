"""The random numbers of models/README.md, for whole arrays of counters at once."""

import numpy as np

SAMPLE, STATE, STATE_SIZE, DROPOUT, ORDER, FLOW, TIME = 0, 1, 3, 5, 7, 16, 1 << 16  # streams
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def philox(key, index, token, image, stream):
    """Philox4x32-10 on the counter (index, token, image, stream): four arrays of words."""
    c = [np.asarray(x, np.uint64) for x in np.broadcast_arrays(index, token, image, stream)]
    k0, k1 = key % 2**32, key // 2**32
    for _ in range(10):
        p, q = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(q >> HALF) ^ c[1] ^ np.uint64(k0), q & LOW, (p >> HALF) ^ c[3] ^ np.uint64(k1), p & LOW]
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c


def normals(key, stream, images, tokens, n):
    """Standard normals [images, tokens, n]."""
    a, i, q = np.ix_(np.asarray(images), np.arange(tokens), np.arange((n + 3) // 4))
    w = philox(key, q, i, a, stream)
    out = []
    for u, v in ((w[0], w[1]), (w[2], w[3])):
        r = np.sqrt(-2 * np.log(((u >> np.uint64(8)) + np.uint64(1)) * 2.0**-24))
        angle = 2 * np.pi * (v >> np.uint64(8)) * 2.0**-24
        out += [r * np.cos(angle), r * np.sin(angle)]
    return np.stack(out, -1).reshape(len(images), tokens, -1)[..., :n]


def uniforms(key, stream, images, tokens):
    """Uniform numbers in [0, 1), [images, tokens]."""
    a, i = np.ix_(np.asarray(images), np.arange(tokens))
    return (philox(key, 0, i, a, stream)[0] >> np.uint64(8)) * 2.0**-24


def shuffled(key, epoch, n, stream=ORDER):
    """The order of n training images in an epoch: Fisher and Yates, from the end."""
    order = np.arange(n)
    i = np.arange(n)
    w = philox(key, 0, i, epoch, stream)
    at = ((w[0] << HALF | w[1]) % (i + 1).astype(np.uint64)).astype(int)
    for j in range(n - 1, 0, -1):
        order[j], order[at[j]] = order[at[j]], order[j]
    return order


# Known answers of Random123.
assert [int(x) for x in philox(0, 0, 0, 0, 0)] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
assert [int(x) for x in philox(0xA4093822 | 0x299F31D0 << 32, 0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)] == \
    [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]
