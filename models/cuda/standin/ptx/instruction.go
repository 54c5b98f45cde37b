package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ins is one instruction: add.rn.f32 has the parts add, rn and f32.
type ins struct {
	*kernel
	op    string
	parts []string // after the first
	args  []string
	err   error
}

func (in *ins) has(part string) bool { return slices.Contains(in.parts, part) }

// last is the type at the end; back counts from there.
func (in *ins) last(back int) string {
	if i := len(in.parts) - 1 - back; i >= 0 {
		return in.parts[i]
	}
	return ""
}

func (in *ins) fail(err error) string {
	if in.err == nil && err != nil {
		in.err = err
	}
	return ""
}

// arg is operand i as a value of a type.
func (in *ins) arg(i int, t string) string {
	if i >= len(in.args) {
		return in.fail(fmt.Errorf("operand %d is missing", i))
	}
	v, err := in.value(in.args[i], t)
	in.fail(err)
	return v
}

func (in *ins) to(d, t, format string, a ...any) string {
	s, err := in.put(d, t, fmt.Sprintf(format, a...))
	in.fail(err)
	return s
}

// result puts an expression into the first operand.
func (in *ins) result(t, format string, a ...any) string {
	if len(in.args) == 0 {
		return in.fail(fmt.Errorf("no operands"))
	}
	return in.to(in.args[0], t, format, a...)
}

// space is where an access goes; "" is generic.
func (in *ins) space() string {
	for _, s := range []string{"param", "global", "shared", "const", "local"} {
		if in.has(s) || in.has(s+"::cta") {
			return s
		}
	}
	return ""
}

func (in *ins) at(x, space string) string {
	a, err := in.address(x, space)
	in.fail(err)
	return a
}

// only fails for a part that is not among those that are known: what it would
// change of the meaning is not done here.
func (in *ins) only(known ...string) {
	for _, p := range in.parts {
		if !slices.Contains(known, p) && ctype[p] == "" {
			in.fail(fmt.Errorf(".%s of %s is not known", p, in.op))
		}
	}
}

// cacheWords say how a value is cached, which changes no result.
var cacheWords = []string{"nc", "ca", "cg", "cs", "cv", "wb", "wt", "lu", "volatile", "relaxed", "weak", "gpu", "cta", "sys",
	"L1::no_allocate", "L1::evict_last", "L1::evict_first", "L2::64B", "L2::128B", "L2::256B"}

func unsigned(t string) string {
	if t[0] == 's' {
		return "u" + t[1:]
	}
	return t
}

// instruction is the statement of C++ that an instruction becomes.
func (k *kernel) instruction(name string, args []string) (string, error) {
	parts := strings.Split(name, ".")
	in := &ins{kernel: k, op: parts[0], parts: parts[1:], args: args}
	do, ok := meanings[in.op]
	if !ok {
		return "", fmt.Errorf("instruction %s is not known", in.op)
	}
	s := do(in)
	return s, in.err
}

// meanings are the instructions by their first word.
var meanings map[string]func(*ins) string

func init() {
	meanings = map[string]func(*ins) string{
		"ret": func(*ins) string { return "return;" }, "exit": func(*ins) string { return "return;" },
		"trap": func(*ins) string { return "__builtin_trap();" },
		"bra": func(in *ins) string {
			in.only("uni")
			if len(in.args) != 1 {
				return in.fail(fmt.Errorf("a branch to %d places", len(in.args)))
			}
			return "goto " + labelled(in.args[0]) + ";"
		},
		"bar": barrier, "barrier": barrier,
		"membar": func(*ins) string { return "at_fence();" }, "fence": func(*ins) string { return "at_fence();" },
		"griddepcontrol": func(*ins) string { return "" }, // launches come one after another here
		"ld":             load, "st": store, "cvta": cvta, "mov": move, "setp": compare, "cvt": convert,
		"shfl": shuffle, "vote": vote, "mma": mma, "ldmatrix": ldmatrix, "cp": copyAsync, "atom": atomic, "red": atomic,
		"selp": func(in *ins) string {
			t := in.last(0)
			return in.result(t, "%s ? %s : %s", in.arg(3, "pred"), in.arg(1, t), in.arg(2, t))
		},
		"fma": func(in *ins) string {
			in.only("rn")
			t := in.last(0)
			f := map[string]string{"f32": "fmaf", "f64": "fma"}[t]
			if f == "" {
				in.fail(fmt.Errorf("fma of %s", t))
			}
			return in.result(t, "%s(%s, %s, %s)", f, in.arg(1, t), in.arg(2, t), in.arg(3, t))
		},
		"mul": multiply, "mad": multiply,
		"add": binary("+"), "sub": binary("-"), "div": binary("/"), "rem": binary("%"),
		"and": binary("&"), "or": binary("|"), "xor": binary("^"),
		"not": func(in *ins) string {
			t := in.last(0)
			if t == "pred" {
				return in.result(t, "!%s", in.arg(1, t))
			}
			return in.result(t, "~%s", in.arg(1, t))
		},
		"shl": func(in *ins) string {
			t := in.last(0)
			return in.result(t, "shl<%s>(%s, %s)", ctype[t], in.arg(1, t), in.arg(2, "u32"))
		},
		"shr": func(in *ins) string {
			t := in.last(0)
			return in.result(t, "shr<%s>(%s, %s)", ctype[t], in.arg(1, t), in.arg(2, "u32"))
		},
		"neg": func(in *ins) string { t := unsigned(in.last(0)); return in.result(t, "-%s", in.arg(1, t)) },
		"abs": func(in *ins) string { t := in.last(0); return in.result(t, "std::abs(%s)", in.arg(1, t)) },
		"min": func(in *ins) string {
			t := in.last(0)
			return in.result(t, "minimum<%s>(%s, %s)", ctype[t], in.arg(1, t), in.arg(2, t))
		},
		"max": func(in *ins) string {
			t := in.last(0)
			return in.result(t, "maximum<%s>(%s, %s)", ctype[t], in.arg(1, t), in.arg(2, t))
		},
		"bfe": func(in *ins) string {
			t := in.last(0)
			return in.result(t, "bfe<%s>(%s, %s, %s)", ctype[t], in.arg(1, t), in.arg(2, "u32"), in.arg(3, "u32"))
		},
		"prmt": func(in *ins) string {
			in.only("b32")
			return in.result("b32", "prmt(%s, %s, %s)", in.arg(1, "b32"), in.arg(2, "b32"), in.arg(3, "b32"))
		},
		"lop3": func(in *ins) string {
			in.only("b32")
			return in.result("b32", "lop3(%s, %s, %s, %s)", in.arg(1, "b32"), in.arg(2, "b32"), in.arg(3, "b32"), in.arg(4, "b32"))
		},
		"popc": func(in *ins) string { return in.result("u32", "__builtin_popcountll((%s))", in.arg(1, in.last(0))) },
		"rcp":  float("1 / %s", "rn", "approx", "ftz"), "sqrt": float("std::sqrt(%s)", "rn", "approx", "ftz"),
		"rsqrt": float("1 / std::sqrt(%s)", "approx", "ftz"), "ex2": float("std::exp2(%s)", "approx", "ftz"),
		"lg2": float("std::log2(%s)", "approx", "ftz"), "tanh": float("std::tanh(%s)", "approx"),
		"sin": float("std::sin(%s)", "approx", "ftz"), "cos": float("std::cos(%s)", "approx", "ftz"),
	}
}

// float is a function of one number; what a GPU approximates is exact here.
func float(format string, known ...string) func(*ins) string {
	return func(in *ins) string {
		in.only(known...)
		return in.result(in.last(0), format, in.arg(1, in.last(0)))
	}
}

func binary(sign string) func(*ins) string {
	return func(in *ins) string {
		in.only("rn", "uni") // saturation, carries and other roundings are not known
		t := in.last(0)
		if sign == "+" || sign == "-" {
			t = unsigned(t) // a sum that runs over wraps
		}
		return in.result(t, "(%s)(%s %s %s)", ctype[t], in.arg(1, t), sign, in.arg(2, t))
	}
}

func multiply(in *ins) string {
	in.only("rn", "lo", "hi", "wide")
	t := in.last(0)
	plus := func(t string) string {
		if in.op == "mad" {
			return " + " + in.arg(3, unsigned(t))
		}
		return ""
	}
	switch {
	case t[0] == 'f' && in.op == "mad":
		return in.fail(fmt.Errorf("mad of %s", t))
	case t[0] == 'f':
		return in.result(t, "%s * %s", in.arg(1, t), in.arg(2, t))
	case in.has("wide"):
		w := t[:1] + strconv.Itoa(16*width(t))
		u := unsigned(w)
		return in.result(u, "(%[1]s)((%[2]s)%[3]s * (%[2]s)%[4]s)%[5]s", ctype[u], ctype[w], in.arg(1, t), in.arg(2, t), plus(w))
	case in.has("hi"):
		big := map[byte]string{'s': "(__int128)", 'u': "(unsigned __int128)"}[t[0]]
		return in.result(t, "(%s)(%[2]s%[3]s * %[2]s%[4]s >> %[5]d)%[6]s", ctype[t], big, in.arg(1, t), in.arg(2, t), 8*width(t), plus(t))
	}
	u := unsigned(t)
	return in.result(u, "(%s)(%s * %s%s)", ctype[u], in.arg(1, u), in.arg(2, u), plus(t))
}

func barrier(in *ins) string {
	switch {
	case in.op == "bar" && in.has("warp"):
		return fmt.Sprintf("warp_barrier(%s);", in.arg(0, "u32"))
	case in.has("sync") && len(in.args) == 1 && in.args[0] == "0":
		return "barrier();"
	}
	return in.fail(fmt.Errorf("a barrier of part of the block"))
}

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
	in.only(append(cacheWords, "param", "global", "shared", "shared::cta", "v2", "v4")...)
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
	v := in.elements(in.args[0])
	out := fmt.Sprintf("{ uint64_t q = %s; ", in.at(in.args[1], space))
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

var comparisons = map[string]string{
	"eq": "%s == %s", "lt": "%s < %s", "le": "%s <= %s", "gt": "%s > %s", "ge": "%s >= %s",
	"lo": "%s < %s", "ls": "%s <= %s", "hi": "%s > %s", "hs": "%s >= %s",
	"equ": "!(%[1]s < %[2]s || %[1]s > %[2]s)", "neu": "!(%s == %s)", "ltu": "!(%s >= %s)", "leu": "!(%s > %s)", "gtu": "!(%s <= %s)",
	"geu": "!(%s < %s)", "num": "!std::isunordered(%s, %s)", "nan": "std::isunordered(%s, %s)",
}

func compare(in *ins) string {
	t := in.last(0)
	if len(in.parts) != 2 {
		return in.fail(fmt.Errorf("a comparison of %v", in.parts))
	}
	format := comparisons[in.parts[0]]
	if in.parts[0] == "ne" {
		format = "%s != %s"
		if t[0] == 'f' { // ordered: false where one is no number
			format = "(%[1]s < %[2]s || %[1]s > %[2]s)"
		}
	}
	if format == "" {
		return in.fail(fmt.Errorf("comparison %s", in.parts[0]))
	}
	return in.result("pred", format, in.arg(1, t), in.arg(2, t))
}

func convert(in *ins) string {
	from, to := in.last(0), in.last(1)
	whole := map[string]string{"rzi": "std::trunc", "rni": "std::nearbyint", "rmi": "std::floor", "rpi": "std::ceil"}
	var rounding string
	for _, p := range in.parts[:max(0, len(in.parts)-2)] {
		if p != "rn" && whole[p] == "" {
			in.fail(fmt.Errorf(".%s of a conversion is not known", p))
		}
		rounding = p
	}
	switch {
	case to == "bf16x2":
		return in.result("b32", "bf16(%s) << 16 | bf16(%s)", in.arg(1, from), in.arg(2, from))
	case to == "bf16":
		return in.result("b16", "(uint16_t)bf16(%s)", in.arg(1, from))
	case from == "bf16":
		return in.result(to, "from16(%s)", in.arg(1, "b16"))
	case from == "":
		return in.fail(fmt.Errorf("no types"))
	case from[0] == 'f' && to[0] == 'f' && whole[rounding] != "":
		return in.result(to, "%s(%s)", whole[rounding], in.arg(1, from))
	case from[0] == 'f' && to[0] != 'f':
		if whole[rounding] == "" {
			return in.fail(fmt.Errorf("a number without a rounding"))
		}
		return in.result(to, "to_int<%s>(%s((double)%s))", ctype[to], whole[rounding], in.arg(1, from))
	}
	return in.result(to, "(%s)%s", ctype[to], in.arg(1, from))
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
		e := fmt.Sprintf("atomic<%[1]s>(%[2]s, [&](%[1]s old) { %[1]s x = %[3]s; return (%[1]s)(%[4]s); })",
			ctype[t], in.at(args[0], in.space()), x, what[p])
		if in.op == "red" {
			return e + ";"
		}
		return in.result(t, "%s", e)
	}
	return in.fail(fmt.Errorf("an atomic %v is not known", in.parts))
}
