//go:build cuda

package cuda

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mutant is one mistake, put into a copy of a source, and the tests that must
// then fail.
type mutant struct {
	mistake  string
	file     string // of kernels/ for a kernel, from this folder for the host's code
	old, new string
	families string // kernels that are built again
	tests    string
}

// Mistakes in kernels: the kernel is built again for the stand-in, everything
// else stays, PTX included.
var kernelMutants = []mutant{
	{"off-by-one index", "bodies.h", "i < n; i += blockDim.x) dst[r * ldd + i]", "i < n - 1; i += blockDim.x) dst[r * ldd + i]", "memory",
		"TestConformance/Copy2D"},
	{"off-by-one index, read", "flow.cu", "kc_mul(b, y[i]));", "kc_mul(b, y[i + 1]));", "flow", "TestConformance/Mix"},
	{"missing barrier before a sum is read", "reduce.h", "kc_barrier();\n    v = warp_sum(lane < warps", "v = warp_sum(lane < warps", "norm",
		"TestConformance/Norm"},
	{"missing barrier before shared memory is used again", "reduce.h", "    kc_barrier(); // part may be written again\n", "", "norm",
		"TestConformance/(Norm|ModNorm)"},
	{"missing barrier between the slices of a product", "gemm.cu", "        kc_barrier();\n        if (k0 + SLICE", "        if (k0 + SLICE",
		"gemm", "TestConformanceOwnProducts"},
	{"missing barrier in a tree of sums", "optimiser.cu", "part[threadIdx.x + half];\n        kc_barrier();", "part[threadIdx.x + half];",
		"optimiser", "TestConformance/SumSquares"},
	{"missing barrier of a warp", "decode.h", "            kc_warp_barrier();\n            const u32 *v", "            const u32 *v", "decode",
		"TestConformance/AttentionDecode"},
	{"barrier that not all threads reach", "bias.cu", "    sum = column_sum_of_8(sum, s);\n    if (i < n && threadIdx.x < 32) {",
		"    if (i < n) sum = column_sum_of_8(sum, s);\n    if (i < n && threadIdx.x < 32) {", "bias", "TestConformance/BiasActBackward"},
	{"wrong argument order in a kernel", "flow.cu", "(float *dst, float a, const float *x, float b, const float *y, i64 n)",
		"(float *dst, float a, const float *y, float b, const float *x, i64 n)", "flow", "TestConformance/Mix"},
	{"out-of-bounds write, beside the buffer", "memory.cu", "FLAT(i, n) dst[i] = v;", "FLAT(i, n + 1) dst[i] = v;", "memory",
		"TestConformance/Fill"},
	{"out-of-bounds write, beyond the allocation", "flow.cu", "if (threadIdx.x == 0) loss[r] = sum;",
		"if (threadIdx.x == 0) loss[r] = loss[r + 1024] = sum;", "flow", "TestConformance/WeightedError"},
	{"uninitialised read of shared memory", "norm.cu", "sums[i] = sums[n + i] = 0;", "sums[i] = 0;", "norm", "TestConformance/NormBackward"},
	{"uninitialised read of device memory", "bias.cu", "for (int s = 0; s < splits; s++) f +=", "for (int s = 0; s <= splits; s++) f +=",
		"bias", "TestConformanceOwnProducts"},
	{"tickets that never begin again", "kcompat.h", "*count = old >= last ? 0 : old + 1;", "*count = old + 1;", "skinny_bf16", oneLaunch},
	{"a part that is added twice", "layer.h", "if (s + u == (int)block.z)", "if (s + u <= (int)block.z)", "skinny_bf16",
		oneLaunch},
	{"missing barrier between the slices of a layer", "layer.h", "kc_wait<STAGES - 2>();\n        kc_barrier();",
		"kc_wait<STAGES - 2>();", "skinny_bf16", oneLaunch},
	{"moments of columns that are not there", "layer.h", "from + SIDE / 4 < cols ? from + SIDE / 4 : cols", "from + SIDE / 4",
		"skinny_bf16", oneLaunch},
	{"missing barrier of the grid", "chain_bf16.cu", "while (kc_arrived(count) < goal)", "", "chain_bf16", oneChain},
	{"the same block of a step again", "chain_bf16.cu", "link(s, step, (u32)b, begun)", "link(s, step, blockIdx.x, begun)", "chain_bf16",
		oneChain},
	{"a step that is skipped", "chain_bf16.cu", "if (i + 1 == steps) break;", "if (i + 2 >= steps) break;", "chain_bf16", oneChain},
	{"arrivals that stay counted", "chain_bf16.cu", "kc_arrive(count, 0 - goal)", "kc_arrive(count, 0)", "chain_bf16", oneChain},
	{"weights fetched ahead for another block", "chain_bf16.cu", "block_of(step, blockIdx.x);", "block_of(step, blockIdx.x + 1);",
		"chain_bf16", oneChain},
	{"shared memory of a block that is used before it is done", "chain_bf16.cu",
		"kc_barrier(); // shared memory may be written again", "", "chain_bf16", oneChain},
	{"attention to one key too many", "attention_bf16.cu", "left[r] = own[r] - j0 - c - 2 * t;", "left[r] = own[r] - j0 - c - 2 * t + 1;",
		"attention_bf16", tensorAttention},
	{"sums of attention that are not scaled when the largest score changes", "attention_bf16.cu",
		"o[n][2 * r] *= keep[r], o[n][2 * r + 1] *= keep[r];", "o[n][2 * r] *= keep[r];", "attention_bf16", tensorAttention},
	{"matrices of a fragment in another order", "attention_bf16.cu", "(lane / 16 * 8 + lane % 8) * ALONG + k * 16 + lane / 8 % 2 * 8",
		"(lane / 8 % 2 * 8 + lane % 8) * ALONG + k * 16 + lane / 16 * 8", "attention_bf16", tensorAttention},
	{"missing barrier between loading keys and reading them", "attention_bf16.cu", "        kc_barrier();\n        odd = 0;",
		"        odd = 0;", "attention_bf16", tensorAttention},
	{"values that are no numbers and stay", "attention_bf16.cu", "p[c] = 0, found = true", "found = true", "attention_bf16", tensorAttention},
	{"gradients of keys without their first reader", "attention_bf16.cu", "i0 + i >= from[e / 2]", "i0 + i > from[e / 2]", "attention_bf16",
		tensorAttention},
	{"a tile of queries that is left out too early", "attention_bf16.cu", "i0 + 16 * n + 15 < mine", "i0 + 16 * n < mine", "attention_bf16",
		tensorAttention},
}

// tensorAttention are tiles that are not full, blocks of one token and of some, and
// values that are no numbers.
const tensorAttention = "TestShapes/attention_on_tensor_cores,_bf16/.*(tokens:65|tokens:49|none).*"

// oneLaunch are two of the layers that are one launch: tiles that are not full, and a
// depth in four parts.
const oneLaunch = "TestShapes/layers_of_few_rows_in_one_launch,_bf16/.*(in:16|in:520)_.*false"

// oneChain is every kernel that can be a step of a chain.
const oneChain = "TestShapes/launches_of_a_chain,_bf16"

// Mistakes in the host's code: the package is built again with the file in
// place of its own.
var hostMutants = []mutant{
	{"missing event wait: a slot is written again before its upload was done", "staging.go", "if s.used[i] {", "if false {", "",
		"TestUploadsKeepWhatTheyWereGiven"},
	{"missing wait before a download is read", "staging.go", "if b.Sync() != nil {", "if b.queue.flush(); b.err != nil {", "",
		"TestConformance/Copy"},
	{"memory freed while queued work uses it", "memory.go", "b.queue.flush() // what is queued may still use it", "", "",
		"TestQueuedWorkKeepsItsMemory"},
	{"wrong argument order in a call", "kernels/memory.go", "bufs(op.Dst).ints(op.LDDst).bufs(op.Src).ints(op.LDSrc, op.N)",
		"bufs(op.Dst).ints(op.LDSrc).bufs(op.Src).ints(op.LDDst, op.N)", "", "TestConformance/Copy2D"},
	{"launch over its bounds", "queue.go", "uint64(l.Block[0])<<32", "uint64(2*l.Block[0])<<32", "", "TestConformance/Fill"},
	{"a program in the place of another one", "chain.go", "	c.used += bytes\n", "", "", "TestManyPrograms"},
	{"a chain that goes on over other work", "queue.go", "	q.endChain()\n	q.words = append(q.words, uint64(code)",
		"	q.words = append(q.words, uint64(code)", "",
		"TestChainsEnd"},
	{"a bucket that is sent too early", "../layers/sums.go", "b.writes == b.last &&", "b.writes == b.last-1 &&", "", "TestPeersStep"},
	{"a bucket that is forgotten", "../layers/sums.go", "if b := &s.buckets[i]; !b.sent {", "if b := &s.buckets[i]; !b.sent && i > 0 {", "",
		"TestPeersStep"},
	{"a bucket that is sent twice", "../layers/sums.go", "		b.sent = true\n", "", "", "TestPeersStep"},
	{"missing wait before the optimiser", "peers.go", "case C.CUDA_ERROR_NOT_READY:", "case C.CUDA_ERROR_NOT_READY:\n			return nil", "",
		"TestPeersStep"},
	{"missing wait for what a sum reads", "nccl.c", "if (r == 0) r = cuStreamWaitEvent(p->stream, p->ready, 0);", "", "", "TestPeersStep"},
	{"sums that do not overlap", "../layers/sums.go", "b.writes == b.last &&", "b.writes == -1 &&", "", "TestPeersStep"},
	{"a lost rank that nobody looks for", "peers.go", "		err := p.lost()\n		if err == nil {\n			if err = p.b.refused",
		"		var err error\n		if err == nil {\n			if err = p.b.refused", "", "TestPeersAreKilled"},
	{"a sum that was aborted is taken for one that is done", "peers.go", "if err := p.failed(); err != nil { // asked",
		"if err := error(nil); err != nil { // asked", "", "TestPeersHearOfErrors"},
}

// ptxMutant is one mistake in the text that a driver is given: every place where
// old stands, or the one of number only, from 1. With races all accesses to memory
// are compared.
type ptxMutant struct {
	mistake, family string
	old, new        string // a regular expression, and what takes its place
	only            int
	races           bool
	tests           string
}

var ptxMutants = []ptxMutant{
	{
		"fragment registers of a product in another order", "gemm_bf16", `(mma\S+ \{[^}]*\}, )\{(%r\d+),(%r\d+),`, "$1{$3,$2,",
		0, false, "TestPrecisions",
	},
	{
		"fragment registers of one of its operands exchanged", "gemm_bf16", `(mma\S+ \{[^}]*\}, \{[^}]*\}, )\{(%r\d+),(%r\d+)\}`, "$1{$3,$2}",
		0, false, "TestPrecisions",
	},
	{
		"halves converted in the other order", "gemm_bf16", `(cvt\.rn\.bf16x2\.f32 %r\d+), (%f\d+), (%f\d+)`, "$1, $3, $2",
		1, false, "TestPrecisions",
	},
	{
		"a barrier of the block removed", "norm", `\tbar\.sync[^\n]*\n`, "",
		1, false, "TestConformance/(Norm|ModNorm)",
	},
	{
		"a barrier of the block removed, by its race", "norm", `\tbar\.sync[^\n]*\n`, "",
		2, true, "TestConformance/(Norm|ModNorm)",
	},
	{
		"a barrier of the warp removed, by its race", "decode_bf16", `\tbar\.warp\.sync[^\n]*\n`, "",
		0, true, "TestBF16Cache",
	},
	{
		"every block writes what the first one does, by its race", "memory", `(mov\.u32\s+%r\d+), %ctaid\.x`, "$1, 0",
		0, true, "TestConformance/Copy2D",
	},
	{
		"a bound that is one too far", "memory", `setp\.ge\.s32`, "setp.gt.s32",
		0, false, "TestConformance/Copy2D",
	},
	{
		"a branch for the other case", "memory", `@%p1 bra`, "@!%p1 bra",
		0, false, "TestConformance/(Fill|Copy2D)",
	},
	{
		"a shuffle with another lane", "norm", `(shfl\.sync\.bfly\.b32\s+%f\d+, %f\d+), 16`, "$1, 8",
		0, false, "TestConformance/Norm",
	},
	{
		"a fused product without its sum", "flow", `fma\.rn\.f32 (\s*%f\d+), (%f\d+), (%f\d+), %f\d+`, "mul.rn.f32 $1, $2, $3",
		0, false, "TestConformance/(Mix|FlowStep)",
	},
	{
		"a vector read at an address that is no multiple of its size", "attention", `(ld\.shared\.v4\.f32\s+\{[^}]*\}, \[%rd\d+)\]`, "$1+4]",
		1, false, "TestConformance/Attention",
	},
	{
		"a division that multiplies", "norm", `div\.rn\.f32`, "mul.rn.f32",
		0, false, "TestConformance/(Norm|ModNorm)",
	},
	{
		"a part that is not fenced before its ticket, by its race", "skinny_bf16", `\tmembar\.gl;\n`, "",
		0, true, oneLaunch,
	},
	{
		"tickets that never begin again", "skinny_bf16", `atom\.global\.inc\.u32`, "atom.global.add.u32",
		0, false, oneLaunch,
	},
	{
		"a ticket that is no atomic's, by its race", "skinny_bf16", `atom\.global\.inc\.u32\s+(%r\d+), (\[%rd\d+\]), %r\d+;`,
		"ld.global.u32 $1, $2; add.u32 $1, $1, 1; st.global.u32 $2, $1; sub.u32 $1, $1, 1;",
		0, true, oneLaunch,
	},
	{
		"a slice that is read before it has arrived", "skinny_bf16", `cp\.async\.wait_group 1;`, "cp.async.wait_group 2;",
		0, false, oneLaunch,
	},
	{
		"rows of a matrix of halves that is not transposed", "skinny_bf16", `x4\.trans`, "x4",
		0, false, oneLaunch,
	},
	{
		"a barrier between a ticket and who reads it removed, by its race", "skinny_bf16",
		`(atom[^\n]*\n(?:[^\n]*\n){0,12}?[^\n]*)\tbar\.sync[^\n]*\n`, "$1", 2, true, oneLaunch,
	},
	{
		"arrivals that show nobody what was written, by the race", "chain_bf16", `red\.release\.gpu`, "red.relaxed.gpu",
		0, true, oneChain,
	},
	{
		"a wait that sees the arrivals but not what was written, by the race", "chain_bf16", `ld\.acquire\.gpu`, "ld.relaxed.gpu",
		0, true, oneChain,
	},
	{
		"blocks that do not arrive", "chain_bf16", `\tred\.release[^\n]*\n`, "",
		1, false, oneChain,
	},
}

// translated is a folder of images made of the committed PTX, that of one family
// with a mistake.
func translated(t *testing.T, m ptxMutant) string {
	t.Helper()
	out := t.TempDir()
	from := "../../.prabench/cuda/standin/ptx"
	if m.races {
		from = "../../.prabench/cuda/standin/races"
	}
	built, _ := filepath.Glob(from + "/*.so")
	if len(built) == 0 {
		t.Fatal("there are no images of the PTX: run `make cuda-test`")
	}
	for _, so := range built {
		so, err := filepath.Abs(so)
		if err != nil {
			t.Fatal(err)
		}
		if m.old == "" || filepath.Base(so) != m.family+".so" {
			if err := os.Symlink(so, filepath.Join(out, filepath.Base(so))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if m.old == "" {
		return out
	}
	raw, err := os.ReadFile("kernels/ptx/" + m.family + ".ptx")
	if err != nil {
		t.Fatal(err)
	}
	place, found := regexp.MustCompile(m.old), 0
	text := place.ReplaceAllStringFunc(string(raw), func(at string) string {
		if found++; m.only > 0 && found != m.only {
			return at
		}
		return place.ReplaceAllString(at, m.new)
	})
	if found < max(1, m.only) {
		t.Fatalf("%s holds %q %d times: the mistake has no place any more, name another", m.family, m.old, found)
	}
	path := filepath.Join(out, m.family+".ptx")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "./standin/ptx", "-out", out}
	if m.races {
		args = append(args, "-races")
	}
	cmd := exec.Command("go", append(args, path)...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH=") // the stand-in is for what is tested
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return out
}

func mutated(t *testing.T, m mutant, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(raw), m.old); n != 1 {
		t.Fatalf("%s holds %q %d times: the mistake has no place any more, name another", path, m.old, n)
	}
	return strings.Replace(string(raw), m.old, m.new, 1)
}

// images is a folder of kernel images, those of the families built again from
// the sources in dir.
func images(t *testing.T, dir, families string) string {
	t.Helper()
	out := t.TempDir()
	built, _ := filepath.Glob("../../.prabench/cuda/standin/kernels/*.so")
	if len(built) == 0 {
		t.Fatal("there are no kernel images: run `make cuda-test`")
	}
	for _, so := range built {
		so, err := filepath.Abs(so)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(so, filepath.Join(out, filepath.Base(so))); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range strings.Fields(families) {
		so := filepath.Join(out, f+".so")
		os.Remove(so)
		cmd := exec.Command("g++", "-x", "c++", "-std=c++17", "-O1", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fPIC", "-shared",
			"-o", so, filepath.Join(dir, f+".cu"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", f, err, out)
		}
	}
	return out
}

// must runs tests and complains when they do not end as they should.
func must(t *testing.T, fail bool, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	text := string(out)
	switch {
	case strings.Contains(text, "no tests to run") || strings.Contains(text, "[build failed]"):
		t.Fatalf("nothing was tested:\n%s", text)
	case !fail && err != nil:
		t.Errorf("without a mistake: %v\n%s", err, text)
	case fail && err == nil:
		t.Errorf("nobody noticed")
	case fail:
		t.Logf("noticed: %s", sign(text))
	}
}

// sign is the first line that tells what was noticed.
func sign(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, "stand-in: ") || strings.Contains(line, "_test.go:") || strings.Contains(line, "trial.go:") ||
			strings.Contains(line, "chains.go:") ||
			strings.Contains(line, "conformance.go:") {
			return strings.TrimSpace(line)
		}
	}
	return strings.TrimSpace(strings.SplitN(text, "\n", 2)[0])
}

// Every mistake of the lists is noticed; the same tests pass without it.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("builds kernels and programs again")
	}
	onStandIn(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := func(images, tests string) *exec.Cmd {
		cmd := exec.Command(self, "-test.run", "^"+strings.ReplaceAll(tests, "/", "$/^")+"$", "-test.count=1")
		cmd.Env = append(os.Environ(), "STANDIN_IMAGES="+images)
		return cmd
	}
	t.Run("none", func(t *testing.T) {
		at := images(t, "kernels", "norm optimiser")
		for _, m := range kernelMutants {
			must(t, false, child(at, m.tests))
		}
	})
	for _, m := range kernelMutants {
		t.Run("kernel/"+m.mistake, func(t *testing.T) {
			dir := t.TempDir()
			sources, _ := filepath.Glob("kernels/*")
			for _, s := range sources {
				if ext := filepath.Ext(s); ext == ".cu" || ext == ".h" {
					raw, err := os.ReadFile(s)
					if err != nil {
						t.Fatal(err)
					}
					os.WriteFile(filepath.Join(dir, filepath.Base(s)), raw, 0o644)
				}
			}
			os.WriteFile(filepath.Join(dir, m.file), []byte(mutated(t, m, filepath.Join("kernels", m.file))), 0o644)
			must(t, true, child(images(t, dir, m.families), m.tests))
		})
	}
	for _, races := range []bool{false, true} {
		t.Run(fmt.Sprint("none/ptx races ", races), func(t *testing.T) {
			at := translated(t, ptxMutant{races: races})
			for _, m := range ptxMutants {
				if m.races == races {
					must(t, false, child(at, m.tests))
				}
			}
		})
	}
	for _, m := range ptxMutants {
		t.Run("ptx/"+m.mistake, func(t *testing.T) { must(t, true, child(translated(t, m), m.tests)) })
	}
	for _, m := range hostMutants {
		t.Run("host/"+m.mistake, func(t *testing.T) {
			must(t, false, child(images(t, "kernels", ""), m.tests))
			here, err := filepath.Abs(m.file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			other, list := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
			os.WriteFile(other, []byte(mutated(t, m, m.file)), 0o644)
			overlay, _ := json.Marshal(map[string]any{"Replace": map[string]string{here: other}})
			os.WriteFile(list, overlay, 0o644)
			must(t, true, exec.Command("go", "test", "-tags", "cuda", "-vet=off", "-overlay", list, "-run",
				fmt.Sprintf("^%s$", strings.ReplaceAll(m.tests, "/", "$/^")), "-count=1", "."))
		})
	}
}
