package main

import (
	"fmt"
	"strconv"
	"strings"
)

// Instructions that move: memory, registers, and between the lanes of a warp.

// elements are the operand's and their type's, and checks that there are as many as .v2 or
// .v4 says.
func (in *ins) elements(x string) []string {
	v := vector(x)
	want := 1
	for n, word := range map[int]string{2: "v2", 4: "v4", 8: "v8"} {
		if in.has(word) {
			want = n
		}
	}
	if len(v) != want {
		in.fail(fmt.Errorf("%d operands of %d", len(v), want))
	}
	return v
}

func load(in *ins) string {
	in.only(append(cacheWords, "param", "global", "shared", "shared::cta", "v2", "v4", "acquire")...)
	if len(in.args) != 2 {
		return in.fail(fmt.Errorf("%d operands", len(in.args)))
	}
	t, space := in.last(0), in.space()
	if space == "param" {
		m := addresses.FindStringSubmatch(in.args[1])
		if m == nil {
			return in.fail(fmt.Errorf("parameter %s", in.args[1]))
		}
		i, known := in.params[m[1]]
		if !known {
			return in.fail(fmt.Errorf("parameter %s", m[1]))
		}
		from := "0"
		if m[2] != "" {
			from = m[2]
		}
		var out []string
		for j, d := range in.elements(in.args[0]) {
			out = append(out, in.to(d, t, "*(%s *)((char *)args[%d] + %s + %d)", ctype[t], i, from, j*width(t)))
		}
		return strings.Join(out, " ")
	}
	if in.has("acquire") {
		if space != "global" || len(vector(in.args[0])) != 1 {
			in.fail(fmt.Errorf("an acquiring load of one number of global memory is known"))
		}
		return in.to(in.args[0], t, "acquire<%s>(%s)", ctype[t], in.at(in.args[1], space))
	}
	v := in.elements(in.args[0])
	out := fmt.Sprintf("{ uint64_t q = %s; ", in.at(in.args[1], space))
	if in.has("relaxed") { // what loops over it waits for other blocks, too, and sees no more of them than this
		out += "kc_spin(); "
	}
	for i, d := range v {
		align := width(t)
		if i == 0 {
			align *= len(v)
		}
		out += in.to(d, t, "ld<%s>(q + %d, %d)", ctype[t], i*width(t), align) + " "
	}
	return out + "}"
}

func store(in *ins) string {
	in.only(append(cacheWords, "global", "shared", "shared::cta", "v2", "v4")...)
	if len(in.args) != 2 {
		return in.fail(fmt.Errorf("%d operands", len(in.args)))
	}
	t := in.last(0)
	v := in.elements(in.args[1])
	out := fmt.Sprintf("{ uint64_t q = %s; ", in.at(in.args[0], in.space()))
	for i, s := range v {
		e, err := in.value(s, t)
		in.fail(err)
		align := width(t)
		if i == 0 {
			align *= len(v)
		}
		out += fmt.Sprintf("st<%s>(q + %d, %s, %d); ", ctype[t], i*width(t), e, align)
	}
	return out + "}"
}

func cvta(in *ins) string {
	in.only("to", "shared", "global", "param", "shared::cta")
	if in.last(0) != "u64" {
		in.fail(fmt.Errorf("addresses of %s", in.last(0)))
	}
	switch {
	case in.space() == "shared" && in.has("to"):
		return in.result("u64", "to_shared(%s)", in.arg(1, "u64"))
	case in.space() == "shared":
		return in.result("u64", "to_generic(%s)", in.arg(1, "u64"))
	}
	return in.result("u64", "%s", in.arg(1, "u64"))
}

// move is also that of several registers into one and of one into several.
func move(in *ins) string {
	if len(in.args) != 2 {
		return in.fail(fmt.Errorf("%d operands", len(in.args)))
	}
	t := in.last(0)
	if from := vector(in.args[1]); strings.HasPrefix(in.args[1], "{") {
		part := "u" + strconv.Itoa(8*width(t)/len(from))
		e := "0"
		for i, x := range from {
			v, err := in.value(x, part)
			in.fail(err)
			e += fmt.Sprintf(" | (%s)%s << %d", ctype[t], v, i*8*width(part))
		}
		return in.result(t, "(%s)(%s)", ctype[t], e)
	}
	if to := vector(in.args[0]); strings.HasPrefix(in.args[0], "{") {
		part := "u" + strconv.Itoa(8*width(t)/len(to))
		out := fmt.Sprintf("{ %s q = %s; ", ctype[t], in.arg(1, t))
		for i, d := range to {
			out += in.to(d, part, "(%s)(q >> %d)", ctype[part], i*8*width(part)) + " "
		}
		return out + "}"
	}
	return in.result(t, "%s", in.arg(1, t))
}

func shuffle(in *ins) string {
	how := map[string]string{"bfly": "Bfly", "idx": "Idx", "up": "Up", "down": "Down"}
	for _, p := range in.parts {
		if h := how[p]; h != "" && in.has("sync") && len(in.args) == 5 && !strings.Contains(in.args[0], "|") {
			return in.result("b32", "shfl<uint32_t>(%s, %s, %s, %s, %s)", h, in.arg(1, "b32"), in.arg(2, "u32"), in.arg(3, "u32"), in.arg(4, "u32"))
		}
	}
	return in.fail(fmt.Errorf("a shuffle of this kind is not known"))
}

func vote(in *ins) string {
	in.only("sync", "ballot", "any", "all")
	e := fmt.Sprintf("ballot(%s, %s)", in.arg(1, "pred"), in.arg(2, "u32"))
	switch {
	case in.has("ballot"):
		return in.result("b32", "%s", e)
	case in.has("any"):
		return in.result("pred", "%s != 0", e)
	}
	return in.result("pred", "%s == 0xffffffffu", e)
}

func (in *ins) list(i int, t string) string {
	var out []string
	if i >= len(in.args) {
		return in.fail(fmt.Errorf("operand %d is missing", i))
	}
	for _, x := range vector(in.args[i]) {
		v, err := in.value(x, t)
		in.fail(err)
		out = append(out, v)
	}
	return strings.Join(out, ", ")
}

func mma(in *ins) string {
	if shape := strings.Join(in.parts, "."); shape != "sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32" {
		return in.fail(fmt.Errorf("a product %s is not known", shape))
	}
	out := fmt.Sprintf("{ float q[4], c[4] = {%s}; uint32_t a[4] = {%s}, b[2] = {%s}; mma_m16n8k16_bf16(q, a, b, c);",
		in.list(3, "f32"), in.list(1, "b32"), in.list(2, "b32"))
	for i, d := range vector(in.args[0]) {
		out += " " + in.to(d, "f32", "q[%d]", i)
	}
	return out + " }"
}

func ldmatrix(in *ins) string {
	in.only("sync", "aligned", "m8n8", "x1", "x2", "x4", "trans", "shared", "shared::cta")
	if len(in.args) != 2 {
		return in.fail(fmt.Errorf("%d operands", len(in.args)))
	}
	d := vector(in.args[0])
	if !in.has("x" + strconv.Itoa(len(d))) {
		in.fail(fmt.Errorf("%d registers", len(d)))
	}
	out := fmt.Sprintf("{ uint32_t q[4]; ldmatrix(q, %d, %v, %s);", len(d), in.has("trans"), in.at(in.args[1], in.space()))
	for i, r := range d {
		out += " " + in.to(r, "b32", "q[%d]", i)
	}
	return out + " }"
}

// copyAsync are copies beside the thread, in groups.
func copyAsync(in *ins) string {
	switch {
	case in.has("commit_group"):
		return "cp_commit();"
	case in.has("wait_group"):
		return fmt.Sprintf("cp_wait(%s);", in.arg(0, "u32"))
	case in.has("wait_all"):
		return "cp_wait_all();"
	}
	in.only(append(cacheWords, "async", "shared", "shared::cta", "global")...)
	if len(in.args) < 3 {
		return in.fail(fmt.Errorf("%d operands", len(in.args)))
	}
	given := in.arg(2, "u32")
	if len(in.args) > 3 {
		given = in.arg(3, "u32")
	}
	return fmt.Sprintf("cp_async(%s, %s, %s, %s);", in.at(in.args[0], "shared"), in.at(in.args[1], "global"), in.arg(2, "u32"), given)
}

func atomic(in *ins) string {
	t := in.last(0)
	args := in.args
	if in.op == "atom" {
		args = args[1:]
	}
	what := map[string]string{"add": "old + x", "min": "minimum(old, x)", "max": "maximum(old, x)", "exch": "x",
		"and": "old & x", "or": "old | x", "inc": "old >= x ? 0 : old + 1"}
	for _, p := range in.parts {
		if what[p] == "" || len(args) != 2 {
			continue
		}
		if t[0] == 's' && p == "add" {
			t = unsigned(t)
		}
		x, err := in.value(args[1], t)
		in.fail(err)
		e := fmt.Sprintf("atomic<%[1]s>(%[2]s, %[5]v, [&](%[1]s old) { %[1]s x = %[3]s; return (%[1]s)(%[4]s); })",
			ctype[t], in.at(args[0], in.space()), x, what[p], in.has("release") || in.has("acq_rel"))
		if in.op == "red" {
			return e + ";"
		}
		return in.result(t, "%s", e)
	}
	return in.fail(fmt.Errorf("an atomic %v is not known", in.parts))
}

// prefetch changes nothing that anybody reads.
func prefetch(in *ins) string {
	in.only("global", "L1", "L2")
	if len(in.args) != 1 {
		return in.fail(fmt.Errorf("%d operands", len(in.args)))
	}
	return fmt.Sprintf("(void)%s;", in.at(in.args[0], "global"))
}
