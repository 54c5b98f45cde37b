package engine

import "prabench/harness/machine"

// CheckHere says what of the plan does not fit into the memory of this machine.
func (p *Plan) CheckHere() error { return p.CheckMemory(machine.Usable()) }

// Holder says who holds the database, or "".
func (p Places) Holder() string { return machine.Holder(p.LockFile()) }
