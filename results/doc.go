// Package results keeps what was measured, in one SQLite file that other
// people's scripts can read.
//
// Its principle is that a result is an attempt, not a number: an attempt of a stage
// ran on some device, under some protocol, from some commit, and ended in a
// typed outcome. Attempts are only ever added, never changed, and identified
// by their id, so that a second look at the same spool folder, a merge
// from another machine and the recovery after a crash are one and the same
// operation. Failed attempts stay.
//
// Workers never open the database. They leave a file in the spool folder with
// [record.WriteSpool]; the one writer takes it in with [DB.IngestDir] and removes the
// file only when its transaction is on disk.
//
// Two views are a promise to scripts and keep their columns for good:
//
//	cells(experiment, cell, seed, patch, block, rollout_depth, state, params_json, outcome)
//	results(experiment, cell, seed, metric, unit, value, lo, hi, n, protocol, attempt, outcome, created_at)
//
// They show the cells of the latest plan of every experiment. For a stage that
// was tried more than once, results shows its newest attempt that ended well,
// alone. The tables beneath are described in schema/1.sql and may change with
// a migration.
//
// A mean over seeds is only a mean if nothing else differed: package view
// refuses, by name, to average over two devices, two commits or two protocols.
package results
