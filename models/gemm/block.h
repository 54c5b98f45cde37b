// A rectangle of C on one thread: runs of k outermost, then groups of panels
// of B that stay in the second-level cache, tiles of rows, panels.
enum {
    FEW = 64,           // rows up to which copying B costs more than it gains
    CACHED = 128 * 1024 // elements of B from which one or two rows read it by rows
};

static void K(block)(const struct product *g, long i0, long i1, long j0, long j1, float *scratch) {
    float *packed = scratch, *packed_a = scratch + SCRATCH_B, *last_row = packed_a + SCRATCH_A;
    long rows = i1 - i0, run = run_length(g->k), tiles = (rows + MR - 1) / MR;
    long rs = g->trans_a ? 1 : g->lda, cs = g->trans_a ? g->lda : 1;
    long npad = (g->n + L - 1) / L * L;
    int direct = g->packed || (!g->trans_b && (rows <= FEW || j1 - j0 <= PANEL) && g->ldb >= L);
    int stream = direct && !g->packed && rows <= STREAM && (j1 - j0) * run > CACHED && rows * (j1 - j0) <= SCRATCH_B;
    long group = SCRATCH_B / run / PANEL * PANEL;
    for (long p0 = 0; p0 < g->k; p0 += run) {
        long k = g->k - p0 < run ? g->k - p0 : run;
        float beta = p0 ? 1 : g->beta;
        int finish = g->finish && p0 + k == g->k;
        if (stream) {
            K(stream)(g, i0, i1, j0, j1, p0, k, beta, scratch);
            if (finish) K(finish)(g, i0, rows, j0, j1 - j0);
            continue;
        }
        if (direct) { // each panel of B is read where it lies, by all rows
            for (long j = j0; j < j1; j += PANEL) {
                long w = j1 - j < PANEL ? j1 - j : PANEL, nv = (w + L - 1) / L;
                long ldb = g->packed ? nv * L : g->ldb;
                const float *b = g->packed ? g->packed + p0 * npad + j * k : g->b + p0 * ldb + j, *last = b + (k - 1) * ldb;
                if (w % L && !g->packed) {
                    K(pack_rows)(last_row, last, 0, 1, w);
                    last = last_row;
                }
                for (long t = 0; t < tiles; t++) {
                    long i = i0 + rows * t / tiles, mr = i0 + rows * (t + 1) / tiles - i;
                    K(tile_fn) *const some = K(tiles)[mr - 1][nv - 1];
                    if (finish) K(ahead_of_finish)(g->finish, i, mr, j);
                    some(k, g->a + i * rs + p0 * cs, rs, cs, b, ldb, last, g->alpha, beta, g->c + i * g->ldc + j, g->ldc, w);
                    if (finish) K(finish)(g, i, mr, j, w);
                }
            }
            continue;
        }
        for (long jc = j0; jc < j1; jc += group) {
            long jend = j1 - jc < group ? j1 : jc + group;
            for (long j = jc; j < jend; j += PANEL) {
                long w = jend - j < PANEL ? jend - j : PANEL;
                float *to = packed + (j - jc) * k;
                if (g->trans_b)
                    K(pack_columns)(to, g->b + j * g->ldb + p0, g->ldb, k, w);
                else
                    K(pack_rows)(to, g->b + p0 * g->ldb + j, g->ldb, k, w);
            }
            int copy_a = g->trans_a && (jend - jc > 2 * PANEL);
            for (long t = 0; t < tiles; t++) {
                long i = i0 + rows * t / tiles, mr = i0 + rows * (t + 1) / tiles - i;
                const float *a = g->a + i * rs + p0 * cs;
                long ars = rs, acs = cs;
                if (copy_a) {
                    K(pack_tile)(packed_a, a, g->lda, k, mr);
                    a = packed_a, ars = 1, acs = MR;
                }
                for (long j = jc; j < jend; j += PANEL) {
                    long w = jend - j < PANEL ? jend - j : PANEL, width = K(panel_width)(w);
                    const float *b = packed + (j - jc) * k;
                    K(tile_fn) *const some = K(tiles)[mr - 1][width / L - 1];
                    if (finish) K(ahead_of_finish)(g->finish, i, mr, j);
                    some(k, a, ars, acs, b, width, b + (k - 1) * width, g->alpha, beta, g->c + i * g->ldc + j, g->ldc, w);
                    if (finish) K(finish)(g, i, mr, j, w);
                }
            }
        }
    }
}
