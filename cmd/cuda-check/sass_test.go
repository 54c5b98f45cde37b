package main

import "testing"

// What nvdisasm writes, with a predicate, a label, a comment and a kernel without code.
func TestInstructions(t *testing.T) {
	got := instructions([]byte("\t.headerflags\t@\"EF_CUDA_SM90\"\n" +
		"\t.section\t.text.one,\"ax\",@progbits\n.text.one:\n" +
		"        /*0000*/                   LDC R1, c[0x0][0x28] ;\n" +
		"        /*0010*/              @!P0 LDG.E.128 R4, desc[UR4][R2.64] ;\n" +
		"        /*0020*/              @UP1 UMOV UR4, 0x1 ;\n" +
		".L_x_1:\n" +
		"        /*0030*/                   HMMA.16816.F32.BF16 R4, R8, R10, R4 ;\n" +
		"        /*0040*/                   HMMA.16816.F32.BF16 R4, R8, R10, R4 ;\n" +
		"\t.section\t.text.two,\"ax\",@progbits\n" +
		"        /*0000*/                   EXIT ;\n"))
	if len(got) != 2 || got["one"]["HMMA"] != 2 || got["one"]["LDG"] != 1 || got["one"]["UMOV"] != 1 || got["two"]["EXIT"] != 1 {
		t.Errorf("counted %v", got)
	}
}
