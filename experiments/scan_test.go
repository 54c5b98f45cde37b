package experiments

import (
	"fmt"
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
