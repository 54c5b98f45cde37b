package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// alone is what the stand-in driver gives a kernel, for one thread.
const alone = `
kc_dim kc_threadIdx, kc_blockIdx, kc_blockDim{1, 1, 1}, kc_gridDim{1, 1, 1};
uint64_t kc_launch = 1, kc_number = 1;
unsigned kc_slot = 0, kc_alive = 1;
alignas(16) static char memory[mostShared];
void *kc_shared = memory;
extern "C" {
void kc_block_barrier() {}
void kc_spin() {}
void kc_warp_gather(const void *mine, void *all, unsigned n) { memcpy(all, mine, n); }
uint32_t kc_warp_read(uint32_t mine, int) { return mine; }
void kc_report(const char *text) { puts(text); }
}
int main() {
  uint64_t out[64] = {};
  uint64_t *at = out;
  void *args[] = {&at};
  k_all(args);
  for (int i = 0; i < N; i++) printf("%llx\n", (unsigned long long)out[i]);
}
`

// Every line is an instruction whose result goes to %rd1, %r1, %f1, %p1 … and what
// it must be by the text of the PTX ISA, where C++ left to itself does otherwise or
// nothing certain.
var cases = []struct{ ptx, kind, want string }{
	{"shl.b32 %r1, 1, 32;", "r", "0"}, // shifts stop at the width
	{"shl.b64 %rd1, 1, 70;", "rd", "0"},
	{"shr.s32 %r1, -8, 40;", "r", "ffffffff"},
	{"shr.u32 %r1, 0x80000000, 31;", "r", "1"},
	{"add.s32 %r1, 2147483647, 1;", "r", "80000000"}, // wraps
	{"mul.lo.s32 %r1, 65536, 65537;", "r", "10000"},
	{"mul.hi.s32 %r1, -2, 3;", "r", "ffffffff"},
	{"mul.hi.u32 %r1, 0xffffffff, 0xffffffff;", "r", "fffffffe"},
	{"mul.wide.s32 %rd1, -2, 3;", "rd", "fffffffffffffffa"},
	{"mad.wide.u32 %rd1, 0xffffffff, 2, 1;", "rd", "1ffffffff"},
	{"div.s32 %r1, -7, 2;", "r", "fffffffd"},
	{"rem.s32 %r1, -7, 2;", "r", "ffffffff"},
	{"bfe.u32 %r1, 0xabcd1234, 8, 8;", "r", "12"},
	{"bfe.s32 %r1, 0x0000f000, 12, 4;", "r", "ffffffff"},
	{"bfe.u32 %r1, 0xffffffff, 28, 10;", "r", "f"},
	{"prmt.b32 %r1, 0x33221100, 0x77665544, 0x5410;", "r", "55441100"},
	{"lop3.b32 %r1, 0xf0f0, 0xcccc, 0xaaaa, 0x96;", "r", "9696"}, // exclusive or of three
	{"cvt.rzi.s32.f32 %r1, 0f7F800000;", "r", "7fffffff"},        // +inf
	{"cvt.rzi.s32.f32 %r1, 0f7FC00000;", "r", "0"},               // no number
	{"cvt.rzi.s32.f32 %r1, 0fBFC00000;", "r", "ffffffff"},        // −1.5
	{"cvt.rni.s32.f32 %r1, 0f40200000;", "r", "2"},               // 2.5 to the even one
	{"cvt.rzi.u32.f32 %r1, 0fBF800000;", "r", "0"},
	{"cvt.s64.s32 %rd1, -1;", "rd", "ffffffffffffffff"},
	{"cvt.u64.u32 %rd1, -1;", "rd", "ffffffff"},
	{"cvt.rn.f32.s32 %f1, 16777217;", "f", "4b800000"},
	{"cvt.rn.bf16x2.f32 %r1, 0f3F800000, 0f40000000;", "r", "3f804000"}, // the first one is the upper half
	{"cvt.rn.bf16x2.f32 %r1, 0f3F808000, 0f3F818000;", "r", "3f803f82"}, // ties to even
	{"min.f32 %f1, 0f7FC00000, 0f3F800000;", "f", "3f800000"},           // what is no number gives way
	{"max.f32 %f1, 0f40000000, 0f7FC00000;", "f", "40000000"},
	{"fma.rn.f32 %f1, 0f3F800001, 0f3F800001, 0fBF800002;", "f", "28800000"}, // one rounding, 2⁻⁴⁶
	{"neg.f32 %f1, 0f00000000;", "f", "80000000"},
	{"setp.ne.f32 %p1, 0f7FC00000, 0f3F800000;", "p", "0"}, // ordered
	{"setp.neu.f32 %p1, 0f7FC00000, 0f3F800000;", "p", "1"},
	{"setp.equ.f32 %p1, 0f7FC00000, 0f3F800000;", "p", "1"},
	{"setp.lt.s32 %p1, -1, 0;", "p", "1"},
	{"setp.lo.u32 %p1, -1, 0;", "p", "0"},
	{"setp.ltu.f32 %p1, 0f7FC00000, 0f3F800000;", "p", "1"},
	{"setp.eq.s32 %p1, 0, 0; @%p1 mov.u32 %r1, 7; @!%p1 mov.u32 %r1, 8;", "r", "7"},
	{"mov.b64 %rd1, {1, 2};", "rd", "200000001"},
	{"mov.b64 {%r2, %r1}, 0x700000003;", "r", "7"},
	{"mov.b32 %r1, 0f3F800000;", "r", "3f800000"},
	{"{ .reg .b16 lo, hi; mov.b32 {lo, hi}, 0x00050009; cvt.u32.u16 %r1, hi; }", "r", "5"},
	{"st.shared.v2.u32 [s+8], {17, 18}; ld.shared.u32 %r1, [s+12];", "r", "12"},
	{"mov.u64 %rd2, s; st.shared.u32 [%rd2+16], 5; cvta.shared.u64 %rd2, %rd2; ld.u32 %r1, [%rd2+16];", "r", "5"},
	{"st.shared.u16 [s], 0xffff; ld.shared.s16 %r1, [s];", "r", "ffffffff"},
	{"atom.shared.add.u32 %r1, [s+32], 3; atom.shared.add.u32 %r1, [s+32], 3;", "r", "2"}, // what was there, −1 at first
	{"st.global.u32 [%rdo+504], 4; red.release.gpu.global.add.u32 [%rdo+504], 3; ld.acquire.gpu.global.u32 %r1, [%rdo+504];", "r", "7"},
	{"prefetch.global.L2 [%rdo]; mov.u32 %r1, 3;", "r", "3"},
	{"{ bra.uni $over; $back: mov.u32 %r1, 9; bra $end; $over: bra $back; $end: mov.u32 %r1, %r1; }", "r", "9"},
}

func TestInstructions(t *testing.T) {
	compiler, err := exec.LookPath("g++")
	if err != nil {
		t.Skip("g++ is not here")
	}
	body := "st.shared.u32 [s+32], -1;"
	for i, c := range cases {
		body += "{\n.reg .pred %p<3>; .reg .b32 %r<3>; .reg .b64 %rd<3>; .reg .f32 %f<3>;\n"
		body += strings.NewReplacer("$", fmt.Sprintf("$c%d_", i)).Replace(c.ptx) + "\n"
		switch c.kind {
		case "p":
			body += "selp.b32 %r1, 1, 0, %p1; st.global.u32"
		case "rd":
			body += "st.global.u64"
		case "f":
			body += "st.global.f32"
		default:
			body += "st.global.u32"
		}
		body += fmt.Sprintf(" [%%rdo+%d], %%%s1;\n}\n", 8*i, strings.Replace(c.kind, "p", "r", 1))
	}
	text, err := translate(".extern .shared .align 16 .b8 s[];\n.visible .entry all(.param .u64 out)\n.maxntid 1, 1, 1\n{\n" +
		".reg .b64 %rdo; ld.param.u64 %rdo, [out];\n" + body + "ret;\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, races := range []string{"", "#define RACES\n"} {
		path := filepath.Join(t.TempDir(), "all")
		source := races + machine + text + strings.Replace(alone, "N;", fmt.Sprint(len(cases), ";"), 1)
		if err := os.WriteFile(path+".cc", []byte(source), 0o666); err != nil {
			t.Fatal(err)
		}
		build := exec.Command(compiler, "-std=c++17", "-w", "-O1", "-ffp-contract=off", "-o", path, path+".cc")
		if said, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		said, err := exec.Command(path).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		got := strings.Fields(string(said))
		for i, c := range cases {
			if got[i] != c.want {
				t.Errorf("%s gives %s, want %s", c.ptx, got[i], c.want)
			}
		}
	}
}

// What the translator does not know it refuses; nothing is skipped.
func TestUnknownInstructions(t *testing.T) {
	for _, s := range []string{
		"wgmma.fence.sync.aligned;", "add.sat.s32 %r1, %r1, 1;", "fma.rz.f32 %f1, %f1, %f1, %f1;", "bar.sync 1, 64;",
		"cvt.rn.satfinite.f16.f32 %r1, %f1;",
		"shfl.sync.bfly.b32 %r1|%p1, %r1, 1, 31, -1;", "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f1}, {%r1}, {%r1}, {%f1};",
		"mov.u32 %r9, 1;", "mov.u32 %r1, %clock;", "ld.param.u32 %r1, [nowhere];", "ld.shared.v2.u32 {%r1}, [s];", "call foo;",
		"add.u32 %r1, %r1",
		".local .b8 stack[16];",
	} {
		_, err := translate(".extern .shared .align 16 .b8 s[];\n.visible .entry k()\n{\n" +
			".reg .b32 %r<3>; .reg .f32 %f<3>; .reg .pred %p<3>;\n" + s + "\nret;\n}\n")
		if err == nil {
			t.Errorf("%s is translated", s)
		}
	}
	if _, err := translate(".global .align 4 .b8 table[4] = {1, 2, 3, 4};\n.visible .entry k()\n{\nret;\n}\n"); err == nil {
		t.Error("a module with a table is translated")
	}
	if _, err := translate("\n.version 6.0\n"); err == nil {
		t.Error("a module without an entry is translated")
	}
}
