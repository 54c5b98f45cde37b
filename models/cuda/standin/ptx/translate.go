package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// ctype is the C++ type of a type of PTX.
var ctype = map[string]string{
	"pred": "bool", "u8": "uint8_t", "s8": "int8_t", "b8": "uint8_t", "u16": "uint16_t", "s16": "int16_t", "b16": "uint16_t",
	"u32": "uint32_t", "s32": "int32_t", "b32": "uint32_t", "u64": "uint64_t", "s64": "int64_t", "b64": "uint64_t",
	"f32": "float", "f64": "double",
}

// width is the bytes of a type.
func width(t string) int {
	n, _ := strconv.Atoi(t[1:])
	return n / 8
}

// register is what a name stands for in a scope.
type register struct{ name, ctype string }

// kernel is the translation of one entry.
type kernel struct {
	name   string
	params map[string]int
	shared map[string]bool // names of the dynamic array
	scopes []map[string]register
	out    strings.Builder
}

var (
	comments = regexp.MustCompile(`(?s)//[^\n]*|/\*.*?\*/`)
	entries  = regexp.MustCompile(`\.entry\s+(\w+)\s*\(([^)]*)\)([^{]*)\{`)
	params   = regexp.MustCompile(`\.param\s+(?:\.align\s+\d+\s+)?\.(\w+)\s+` +
		`(?:\.ptr\S*\s+(?:\.\w+\s+)*(?:\.align\s+\d+\s+)?)?(\w+)(?:\[(\d+)\])?`)
	threads  = regexp.MustCompile(`\.maxntid\s+(\d+)(?:\s*,\s*(\d+))?(?:\s*,\s*(\d+))?`)
	dynamic  = regexp.MustCompile(`\.extern\s+\.shared\s+(?:\.align\s+\d+\s+)?\.b8\s+(\w+)\[\]\s*;`)
	variable = regexp.MustCompile(`\n\s*(?:\.visible\s+|\.weak\s+|\.extern\s+)*\.(shared|global|const|local|func)\b[^\n]*`)
	declares = regexp.MustCompile(`^\.reg\s+\.(\w+)\s+(.*)$`)
	counted  = regexp.MustCompile(`^(%\w+?)<(\d+)>$`)
	label    = regexp.MustCompile(`^\s*([$A-Za-z_][\w$]*):`)
	guarded  = regexp.MustCompile(`^(?:@(!?)(\S+)\s+)?([a-z][\w.:]*)\s*(.*)$`)
)

// translate is the C++ of a module, without what stands in machine.h.
func translate(ptx string) (string, error) {
	ptx = "\n" + comments.ReplaceAllString(ptx, "")
	shared := map[string]bool{}
	for _, m := range dynamic.FindAllStringSubmatch(ptx, -1) {
		shared[m[1]] = true
	}
	for _, m := range variable.FindAllString(dynamic.ReplaceAllString(ptx, ""), -1) {
		return "", fmt.Errorf("%q: only the dynamic array of shared memory is known", strings.TrimSpace(m))
	}
	var all strings.Builder
	found := entries.FindAllStringSubmatchIndex(ptx, -1)
	if len(found) == 0 {
		return "", fmt.Errorf("there is no entry")
	}
	for _, at := range found {
		part := func(i int) string { return ptx[at[2*i]:at[2*i+1]] }
		body, ok := block(ptx[at[1]:])
		if !ok {
			return "", fmt.Errorf("kernel %s has no end", part(1))
		}
		text, err := entry(part(1), part(2), part(3), body, shared)
		if err != nil {
			return "", fmt.Errorf("kernel %s: %w", part(1), err)
		}
		all.WriteString(text)
	}
	return all.String(), nil
}

// block is the text up to the brace that ends it.
func block(s string) (string, bool) {
	depth := 1
	for i, c := range s {
		switch c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return s[:i], true
			}
		}
	}
	return "", false
}

func entry(name, head, bounds, body string, shared map[string]bool) (string, error) {
	k := &kernel{name: name, params: map[string]int{}, shared: shared, scopes: []map[string]register{{}}}
	var sizes []string
	for i, m := range params.FindAllStringSubmatch(head, -1) {
		k.params[m[2]] = i
		n := width(m[1])
		if m[3] != "" {
			n, _ = strconv.Atoi(m[3])
		}
		sizes = append(sizes, strconv.Itoa(n))
	}
	if strings.Count(head, ".param") != len(sizes) {
		return "", fmt.Errorf("parameters %q", head)
	}
	most := 1024
	if m := threads.FindStringSubmatch(bounds); m != nil {
		most = 1
		for _, n := range m[1:] {
			if v, err := strconv.Atoi(n); err == nil {
				most *= v
			}
		}
	}
	fmt.Fprintf(&k.out, "static void k_%s(void **args) {\nenter(%q);\n", name, name)
	if err := k.statements(body); err != nil {
		return "", err
	}
	fmt.Fprintf(&k.out, "}\nextern \"C\" __attribute__((visibility(\"default\"))) const kc_kernel kc_kernel_%s = {&k_%s, %d, %d, {%s}};\n",
		name, name, most, len(sizes), strings.Join(sizes, ", "))
	return k.out.String(), nil
}

// statements translates what stands between two braces.
func (k *kernel) statements(s string) error {
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			return nil
		}
		if s[0] == '{' {
			inner, ok := block(s[1:])
			if !ok {
				return fmt.Errorf("a block without an end")
			}
			k.scopes = append(k.scopes, map[string]register{})
			k.out.WriteString("{\n")
			if err := k.statements(inner); err != nil {
				return err
			}
			k.out.WriteString("}\n")
			k.scopes = k.scopes[:len(k.scopes)-1]
			s = s[len(inner)+2:]
			continue
		}
		if m := label.FindStringSubmatch(s); m != nil {
			fmt.Fprintf(&k.out, "%s:;\n", labelled(m[1]))
			s = s[len(m[0]):]
			continue
		}
		one, rest, ok := strings.Cut(s, ";")
		if !ok {
			return fmt.Errorf("%q has no end", s)
		}
		s = rest
		if err := k.statement(strings.Join(strings.Fields(one), " ")); err != nil {
			return fmt.Errorf("%q: %w", one, err)
		}
	}
}

func labelled(s string) string { return "L_" + strings.ReplaceAll(s, "$", "_") }

func (k *kernel) statement(s string) error {
	switch {
	case s == "":
		return nil
	case strings.HasPrefix(s, ".pragma"), strings.HasPrefix(s, ".loc"):
		return nil
	}
	if m := declares.FindStringSubmatch(s); m != nil {
		return k.declare(m[1], m[2])
	}
	m := guarded.FindStringSubmatch(s)
	if m == nil {
		return fmt.Errorf("no instruction")
	}
	text, err := k.instruction(m[3], operands(m[4]))
	if err != nil {
		return err
	}
	if m[2] != "" {
		p, err := k.value(m[2], "pred")
		if err != nil {
			return err
		}
		text = fmt.Sprintf("if (%s%s) { %s }", m[1], p, text)
	}
	k.out.WriteString(text + "\n")
	return nil
}

// declare makes registers; they hold what shows when it is read too early.
func (k *kernel) declare(t, names string) error {
	c, ok := ctype[t]
	if !ok {
		return fmt.Errorf("registers of type %s", t)
	}
	start := map[string]string{"bool": "true", "float": `__builtin_nanf("")`, "double": `__builtin_nan("")`}[c]
	if start == "" {
		start = "(" + c + ")-1"
	}
	scope := k.scopes[len(k.scopes)-1]
	add := func(name string) {
		r := register{fmt.Sprintf("%s_%d", strings.NewReplacer("%", "", "$", "_").Replace(name), len(k.scopes)), c}
		scope[name] = r
		fmt.Fprintf(&k.out, "%s %s = %s;\n", c, r.name, start)
	}
	for _, n := range strings.Split(names, ",") {
		n = strings.TrimSpace(n)
		if m := counted.FindStringSubmatch(n); m != nil {
			count, _ := strconv.Atoi(m[2])
			for i := range count {
				add(m[1] + strconv.Itoa(i))
			}
		} else {
			add(n)
		}
	}
	return nil
}

func (k *kernel) register(name string) (register, bool) {
	for i := len(k.scopes) - 1; i >= 0; i-- {
		if r, ok := k.scopes[i][name]; ok {
			return r, true
		}
	}
	return register{}, false
}

// operands are those between the commas outside braces and brackets.
func operands(s string) (out []string) {
	depth, from := 0, 0
	for i, c := range s {
		switch c {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
		case ',':
			if depth == 0 {
				out, from = append(out, strings.TrimSpace(s[from:i])), i+1
			}
		}
	}
	if last := strings.TrimSpace(s[from:]); last != "" {
		out = append(out, last)
	}
	return out
}

// vector are the elements of {a, b, …}; a single operand is one of one.
func vector(s string) []string {
	if strings.HasPrefix(s, "{") {
		return operands(strings.Trim(s, "{}"))
	}
	return []string{s}
}

var special = map[string]string{"%tid": "kc_threadIdx", "%ctaid": "kc_blockIdx", "%ntid": "kc_blockDim", "%nctaid": "kc_gridDim"}

func floating(c string) bool { return c == "float" || c == "double" }

// converted is an expression of one C++ type as another: bits where one of them is
// a floating-point number, else a number cut or extended.
func converted(from, to, e string) string {
	switch {
	case from == to:
		return e
	case floating(from) || floating(to):
		return fmt.Sprintf("bits<%s>((%s)(%s))", to, from, e)
	}
	return fmt.Sprintf("(%s)(%s)", to, e)
}

// value is an operand as a C++ expression of a type of PTX.
func (k *kernel) value(x, t string) (string, error) {
	c, ok := ctype[t]
	if !ok {
		return "", fmt.Errorf("type %s", t)
	}
	if r, ok := k.register(x); ok {
		return converted(r.ctype, c, r.name), nil
	}
	if k.shared[x] {
		return fmt.Sprintf("(%s)window", c), nil
	}
	if base, part, ok := strings.Cut(x, "."); ok && special[base] != "" {
		return fmt.Sprintf("(%s)%s.%s", c, special[base], part), nil
	}
	switch {
	case x == "%laneid":
		return fmt.Sprintf("(%s)(thread() & 31)", c), nil
	case strings.HasPrefix(x, "0f") || strings.HasPrefix(x, "0F"):
		return converted("float", c, fmt.Sprintf("bits<float>(0x%su)", x[2:])), nil
	case strings.HasPrefix(x, "0d") || strings.HasPrefix(x, "0D"):
		return converted("double", c, fmt.Sprintf("bits<double>((uint64_t)0x%sull)", x[2:])), nil
	}
	if _, err := strconv.ParseInt(strings.TrimSuffix(x, "U"), 0, 64); err != nil {
		if _, err := strconv.ParseUint(strings.TrimSuffix(x, "U"), 0, 64); err != nil {
			return "", fmt.Errorf("operand %s", x)
		}
		return fmt.Sprintf("(%s)%sull", c, strings.TrimSuffix(x, "U")), nil
	}
	return fmt.Sprintf("(%s)%sll", c, strings.TrimSuffix(x, "U")), nil
}

// put gives register d a value that is an expression of type t.
func (k *kernel) put(d, t, e string) (string, error) {
	r, ok := k.register(d)
	if !ok {
		if d == "_" {
			return "", nil
		}
		return "", fmt.Errorf("register %s", d)
	}
	c, ok := ctype[t]
	if !ok {
		return "", fmt.Errorf("type %s", t)
	}
	return r.name + " = " + converted(c, r.ctype, e) + ";", nil
}

var addresses = regexp.MustCompile(`^\[\s*([%$\w]+)\s*(?:\+\s*(-?\w+)\s*)?\]$`)

// address is that of a memory operand as the host knows it.
func (k *kernel) address(x, space string) (string, error) {
	m := addresses.FindStringSubmatch(x)
	if m == nil {
		return "", fmt.Errorf("address %s", x)
	}
	base, err := k.value(m[1], "u64")
	if err != nil {
		return "", err
	}
	if m[2] != "" {
		base = fmt.Sprintf("(%s + (int64_t)%sll)", base, m[2])
	}
	if space == "shared" {
		// A 32-bit register may hold it.
		return "to_generic(" + base + ")", nil
	}
	return base, nil
}
