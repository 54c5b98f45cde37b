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
		"prefetch":       prefetch,
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
