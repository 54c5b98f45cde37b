package kernels

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// entry is a kernel as its PTX declares it.
type entry struct{ args, threads, blocks int }

var (
	entryHead = regexp.MustCompile(`\.visible \.entry (\w+)\(([^)]*)\)\n([^{]*)\{`)
	directive = regexp.MustCompile(`\.(maxntid|minnctapersm) (\d+)`)
)

func entries(t *testing.T, file string) map[string]entry {
	out := map[string]entry{}
	for _, m := range entryHead.FindAllStringSubmatch(string(PTX(file)), -1) {
		e := entry{args: strings.Count(m[2], ".param")}
		for _, d := range directive.FindAllStringSubmatch(m[3], -1) {
			n, _ := strconv.Atoi(d[2])
			if d[1] == "maxntid" {
				e.threads = n
			} else {
				e.blocks = n
			}
		}
		out[m[1]] = e
	}
	return out
}

// The table says of every kernel what its PTX says, and no kernel is missing.
func TestTableIsThePTX(t *testing.T) {
	declared := map[string]map[string]entry{}
	for _, file := range Files(80) {
		declared[file] = entries(t, file)
	}
	for _, k := range Kernels() {
		e, ok := declared[k.File][k.Name]
		if !ok {
			t.Errorf("%s: no kernel %s in its PTX", k.File, k.Name)
			continue
		}
		delete(declared[k.File], k.Name)
		if want := (entry{k.Args, k.MaxBlock, k.Blocks}); e != want {
			t.Errorf("%s: PTX has %+v (arguments, threads a block, blocks), the table %+v", k.Name, e, want)
		}
	}
	for file, rest := range declared {
		for name := range rest {
			t.Errorf("%s: kernel %s is not in the table", file, name)
		}
	}
}

// Every source has its PTX for the capability that the table gives, and PTX
// holds nothing that needs another: no call, no static shared memory, no local
// arrays.
func TestFamilies(t *testing.T) {
	sources, err := filepath.Glob("*.cu")
	if err != nil {
		t.Fatal(err)
	}
	var families []string
	for _, s := range sources {
		families = append(families, strings.TrimSuffix(s, ".cu"))
	}
	listed := Files(80)
	slices.Sort(listed)
	if !slices.Equal(families, listed) {
		t.Errorf("sources of %v, kernels of %v", families, listed)
	}
	made, _ := filepath.Glob("ptx/*.ptx")
	if len(made) != len(families) {
		t.Errorf("%d files in ptx for %d families", len(made), len(families))
	}
	for _, k := range Kernels() {
		if want := fmt.Sprintf(".target sm_%d\n", k.Compute); !strings.Contains(string(PTX(k.File)), want) {
			t.Errorf("%s is compiled for another device than %s", k.File, strings.TrimSpace(want))
		}
	}
	for _, fused := range []string{"fma", "mul.f32", "add.f32", "sub.f32", ".approx", ".ftz"} { // its bits are the CPU's
		if strings.Contains(string(PTX("noise")), fused) {
			t.Errorf("noise.ptx has %q", fused)
		}
	}
	for _, f := range families {
		text := string(PTX(f))
		if f == "skinny_bf16" || f == ChainFile { // counts the blocks of a tile, which changes no sum
			text = strings.ReplaceAll(text, "\tatom.global.inc.u32", "")
		}
		if f == ChainFile { // and those that have arrived at a barrier of the grid
			text = strings.ReplaceAll(text, "\tred.release.gpu.global.add.u32", "")
		}
		for _, no := range []string{"call.uni", ".extern .func", "vprintf", ".local", ".shared .align 4", "\tatom.", "\tred."} {
			if strings.Contains(text, no) {
				t.Errorf("%s.ptx has %q", f, no)
			}
		}
		// A pointer to shared memory that may be null: null lies in shared memory,
		// and PTX leaves open what the other direction makes of it.
		if strings.Contains(string(PTX(f)), "cvta.to.shared") {
			t.Errorf("%s.ptx compares a pointer to shared memory with null", f)
		}
	}
}

// body is what a kernel does, as PTX.
func body(t *testing.T, file, kernel string) string {
	t.Helper()
	_, text, ok := strings.Cut(string(PTX(file)), ".entry "+kernel+"(")
	if !ok {
		t.Fatalf("%s.ptx has no kernel %s", file, kernel)
	}
	text, _, _ = strings.Cut(text, "\n}")
	return text
}

// An Euler step has the bits of Velocity and Mix on every compiler: what it adds
// to the velocity is rounded twice, as in Mix, and neither is left to be fused.
func TestFlowStepRoundsAsMix(t *testing.T) {
	for _, may := range []string{"fma", "mul.f32", "add.f32"} {
		if strings.Contains(body(t, "flow", "mix"), may) {
			t.Errorf("mix has %q: a compiler may choose how it rounds", may)
		}
		step, velocity := strings.Count(body(t, "flow", "flow_step"), may), strings.Count(body(t, "flow", "velocity"), may)
		if step != velocity {
			t.Errorf("flow_step has %d of %q, velocity %d: the step may round otherwise", step, may, velocity)
		}
	}
}
