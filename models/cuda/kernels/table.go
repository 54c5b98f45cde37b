package kernels

// Kernel is one kernel of a .cu file.
type Kernel struct {
	Name     string // the function's name in the module
	File     string // the family: "norm" is norm.cu, and its PTX a module
	MaxBlock int    // threads a block that it is built for (its launch bounds)
	Blocks   int    // blocks a multiprocessor that it is built for
	Args     int    // how many arguments it takes
	Compute  int    // lowest compute capability: 70 or 80
	Shared   int    // static shared bytes: 0, all shared memory is the launch's
}

var table []*Kernel

func kernel(file, name string, threads, blocks, args int) *Kernel {
	k := &Kernel{Name: name, File: file, MaxBlock: threads, Blocks: blocks, Args: args, Compute: 70}
	table = append(table, k)
	return k
}

func kernel80(file, name string, threads, blocks, args int) *Kernel {
	k := kernel(file, name, threads, blocks, args)
	k.Compute = 80
	return k
}

// Kernels lists every kernel, one family after the other.
func Kernels() []*Kernel { return table }

// Files lists the families that a device of a compute capability (70, 80, 90 …)
// runs. Each is a module of its own.
func Files(compute int) []string {
	var out []string
	seen := map[string]bool{}
	for _, k := range table {
		if k.Compute <= compute && !seen[k.File] {
			seen[k.File] = true
			out = append(out, k.File)
		}
	}
	return out
}
