package experiments

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestPlaces looks keys up in a text with everything that could be taken for a
// key and is none.
func TestPlaces(t *testing.T) {
	d, err := readDocument("x.toml",
		[]byte("# a = 1\ntitle = \"b = 2 # not\" # c = 3\nlong = \"\"\"\nfake = 1\n[no]\n\\\"\"\" in = 1 \"\"\"\"\"\nraw = '''\n"+
			"x = 'y' '''\n"+`  spaced . "quoted.part" = [1, # n = 1
    [2, 3], { in = 1, other = '}' }, "]" ]
[ table ] # d = 1
"a\u0062c" = 1
inner = { one = { two = [ { x = 1 }, { x = 2 } ] } }
[[list]]
k = 1
[[list]]
k = 2
[list.sub]
m = 3
[[list.deep]]
n = 4
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path []string
		want string
	}{
		{[]string{"title"}, "2:1"}, {[]string{"long"}, "3:1"}, {[]string{"raw"}, "7:1"}, {[]string{"spaced", "quoted.part"}, "9:3"},
		{[]string{"spaced", "quoted.part", "[1]"}, "10:5"}, {[]string{"spaced", "quoted.part", "[2]", "other"}, "10:23"},
		{[]string{"spaced", "quoted.part", "[3]"}, "10:38"},
		{[]string{"table"}, "11:1"}, {[]string{"table", "abc"}, "12:1"}, {[]string{"table", "inner", "one", "two", "[1]", "x"}, "13:40"},
		{[]string{"list", "[0]", "k"}, "15:1"}, {[]string{"list", "[1]"}, "16:1"}, {[]string{"list", "[1]", "k"}, "17:1"},
		{[]string{"list", "[1]", "sub", "m"}, "19:1"},
		{[]string{"list", "[1]", "deep", "[0]", "n"}, "21:1"}, {[]string{"table", "nothing"}, "11:1"},
	} {
		if got := fmt.Sprintf("%d:%d", d.at(c.path...).line, d.at(c.path...).column); got != c.want {
			t.Errorf("%q is at %s, want %s", c.path, got, c.want)
		}
	}
	for _, none := range []string{"a", "b", "c", "d", "fake", "no", "x", "in", "n"} {
		if at := d.at(none); at.line != 0 {
			t.Errorf("%q is no key, found at %v", none, at)
		}
	}
}

// However deep a text nests, it is refused with the place where it becomes too deep, at
// once; what is not nesting is not counted.
func TestNestingIsBounded(t *testing.T) {
	const deep = 10_000
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	for name, text := range map[string]string{
		"lists":               "name = 'x'\nx = " + many("[", deep) + many("]", deep),
		"lists left open":     "name = 'x'\nx = " + many("[", deep),
		"lists up to 1 MiB":   many("[", maxFile),
		"inline tables":       "name = 'x'\nx = " + many("{a=", deep) + "1" + many("}", deep),
		"both":                "name = 'x'\nx = " + many("[{a=", deep),
		"parts of a table":    "name = 'x'\n[" + strings.TrimSuffix(many("a.", deep), ".") + "]\n",
		"parts of a key":      "name = 'x'\n" + strings.TrimSuffix(many("a.", deep), ".") + " = 1\n",
		"quoted parts":        "name = 'x'\n" + strings.TrimSuffix(many("'a'.", deep), ".") + " = 1\n",
		"with lines between":  "name = 'x'\nx = " + many("[\n", deep) + many("]", deep),
		"behind a commentary": "name = 'x' # [[[\nx = [ # ]\n" + many("[", deep),
	} {
		_, err := Parse("deep.toml", []byte(text), Options{Describe: fakeData})
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Problem, "more than 50 deep") || e.Line < 1 || e.Column < 1 {
			t.Errorf("%s: %.200v", name, err)
			continue
		}
		if n := len(err.Error()); n > 200 {
			t.Errorf("%s: a message of %d characters", name, n)
		}
	}
	for name, text := range map[string]string{
		"in strings":       "description = '" + many("[", deep) + "'\n",
		"in long strings":  "description = \"\"\"" + many("[{", deep) + "\"\"\"\n",
		"in comments":      "# " + many("[", deep) + "\nname = 'x'\n",
		"dots in comments": "name = 'x' # " + many(".", deep) + "\n",
		"beside others":    "[sweep]\ntrain.lr = [" + strings.TrimSuffix(many("0.5,", 60), ",") + "]\n",
	} {
		if i := nested(text); i >= 0 {
			t.Errorf("%s: called too deep at %d", name, i)
		}
	}
	if text := many("[", deep); parseValue(text) != text {
		t.Error("--set takes a value that is too deep apart")
	}
}
