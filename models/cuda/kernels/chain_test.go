package kernels

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"prabench/models/device"
)

// The numbers of the links are those of the source, and a step has room for each one's
// arguments.
func TestLinks(t *testing.T) {
	source, err := os.ReadFile(ChainFile + ".cu")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(source), "enum Link {")
	text, _, _ = strings.Cut(text, "}")
	var names []string
	for _, m := range regexp.MustCompile(`LINK_(\w+)`).FindAllStringSubmatch(text, -1) {
		names = append(names, strings.ToLower(m[1]))
	}
	var want []string
	for _, k := range links {
		want = append(want, k.Name)
		if k.Args > chainWords-chainFirst {
			t.Errorf("%s has %d arguments, a step has room for %d", k.Name, k.Args, chainWords-chainFirst)
		}
	}
	if !slices.Equal(names, want) || !strings.Contains(text, "LINK_LAYER_64 = 1,") {
		t.Errorf("links of the source %v, counted from 1; of the table %v", names, want)
	}
}

// Every link's arguments are read as its kernel takes them: as many of each type.
func TestLinksReadTheirArguments(t *testing.T) {
	source, err := os.ReadFile(ChainFile + ".cu")
	if err != nil {
		t.Fatal(err)
	}
	read := regexp.MustCompile(`(whole|number|values|indices)\(step, (\d+)\)|step\[FIRST \+ (\d+)\]`)
	for _, k := range links[2:] { // the layers' are read by layer_of, which the shapes check
		_, text, ok := strings.Cut(string(source), "case LINK_"+strings.ToUpper(k.Name)+":")
		if !ok {
			t.Errorf("%s is not done", k.Name)
			continue
		}
		text, _, _ = strings.Cut(text, "break;")
		var kinds []string
		for i, m := range read.FindAllStringSubmatch(text, -1) {
			if at := m[2] + m[3]; at != strconv.Itoa(i) {
				t.Errorf("%s reads argument %s in place %d", k.Name, at, i)
			}
			kinds = append(kinds, map[string]string{"whole": "u32", "number": "f32", "values": "u64", "indices": "u64", "": "u64"}[m[1]])
		}
		if want := parameters(k); !slices.Equal(kinds, want) {
			t.Errorf("%s: a chain reads %v, the kernel takes %v", k.Name, kinds, want)
		}
	}
}

// parameters are the types of a kernel's arguments in its PTX.
func parameters(k *Kernel) (out []string) {
	_, head, _ := strings.Cut(string(PTX(k.File)), ".visible .entry "+k.Name+"(")
	head, _, _ = strings.Cut(head, ")")
	for _, m := range regexp.MustCompile(`\.param \.(\w+)`).FindAllStringSubmatch(head, -1) {
		out = append(out, m[1])
	}
	return out
}

// A launch that a chain cannot do as it is stays a launch.
func TestWhatLinks(t *testing.T) {
	ok := Launch{Kernel: copyKernel, Grid: [3]uint32{3, 1, 1}, Block: [3]uint32{256, 1, 1}}
	for _, c := range []struct {
		what string
		set  func(*Launch)
		want bool
	}{
		{"a copy", func(*Launch) {}, true},
		{"another kernel", func(l *Launch) { l.Kernel = fillKernel }, false},
		{"the chain itself", func(l *Launch) { l.Kernel = chainKernel }, false},
		{"the most blocks", func(l *Launch) { l.Grid = [3]uint32{linkBlocks / 4, 2, 2} }, true},
		{"too many blocks", func(l *Launch) { l.Grid = [3]uint32{linkBlocks / 4, 2, 3} }, false},
		{"blocks whose number wraps", func(l *Launch) { l.Grid = [3]uint32{1 << 16, 1 << 15, 2} }, false},
		{"too many threads", func(l *Launch) { l.Block[0] = 288 }, false},
		{"a norm of a long row", func(l *Launch) { l.Kernel, l.Shared = normKernel, 4*layerShared+16 }, false},
	} {
		l := ok
		c.set(&l)
		if got := Links(&l); got != c.want {
			t.Errorf("%s: links %v", c.what, got)
		}
	}
}

// programs is a launcher that makes a program of what it is given.
type programs struct{ words []uint64 }

func (*programs) Scratch(int) Ptr    { return 1 << 40 }
func (*programs) Counters() Ptr      { return 1 << 41 }
func (p *programs) Launch(l *Launch) { p.words = AppendStep(p.words, l) }

// A program has the words that chain_bf16.cu reads.
func TestProgram(t *testing.T) {
	p := &programs{}
	New(p, BF16).Do(&device.FlowStep{
		Z: device.Buffer{Base: 0x1000, Off: 3, N: 3000}, V: device.Buffer{Base: 0x2000, N: 3000}, O: device.Buffer{Base: 0x3000, N: 3000},
		Inv: 2, DT: -0.5,
	})
	want := make([]uint64, chainWords)
	copy(want, []uint64{4, 3 | 1<<32, 1, 256, 0x100c, 0x2000, 0x3000, 0, 0, 0x40000000, 0xbf000000, 3000})
	if !slices.Equal(p.words, want) || StepsOf(p.words) != 1 {
		t.Errorf("%#x, want %#x", p.words, want)
	}
	l := ChainLaunch(5, 7, 9, 11)
	if l.Shared > maxShared || !slices.Equal(l.Args, []Arg{5, 7, 9}) || l.Grid != [3]uint32{11, 1, 1} || len(l.Args) != l.Kernel.Args {
		t.Errorf("a chain is launched as %+v", l)
	}
	for _, bad := range [][2]int{{0, 1}, {1, 0}, {1, ChainBlocks + 1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d steps of %d blocks are launched", bad[0], bad[1])
				}
			}()
			ChainLaunch(0, 0, bad[0], bad[1])
		}()
	}
}
