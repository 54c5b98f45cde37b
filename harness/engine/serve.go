package engine

import (
	"io"

	"prabench/harness/machine"
	"prabench/harness/work"
	"prabench/harness/worker"
)

// ServeWorker is the other end of a stage: it does the one job that is given as
// JSON on in and gives the exit code of the process. No database is opened.
func ServeWorker(in io.Reader, out, errs io.Writer) int { return worker.Serve(in, out, errs, work.Do) }

// Holder says who holds the database, or "".
func (p Places) Holder() string { return machine.Holder(p.LockFile()) }
