package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// matrix is op(X)[row, column] of a stored X with row stride ld.
type matrix struct {
	values []float32
	ld     int
	trans  bool
}

func (m matrix) at(r, c int) float64 {
	if m.trans {
		r, c = c, r
	}
	return float64(m.values[r*m.ld+c])
}

// random is storage for op(X) [rows, cols] whose rows are pad apart, NaN
// between them: what lies there must not be read.
func random(rng *rand.Rand, rows, cols, pad int, trans bool) matrix {
	if trans {
		rows, cols = cols, rows
	}
	m := matrix{make([]float32, (rows-1)*(cols+pad)+cols), cols + pad, trans}
	for i := range m.values {
		m.values[i] = float32(math.NaN())
		if i%m.ld < cols {
			m.values[i] = float32(rng.NormFloat64())
		}
	}
	return m
}

func TestSgemm(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for _, s := range [][3]int{{1, 1, 1}, {2, 3, 4}, {5, 1, 9}, {1, 33, 64}, {17, 16, 15}, {31, 100, 7}, {64, 64, 64}, {96, 130, 49},
		{300, 12, 100}, {3, 200, 300}} {
		m, n, k := s[0], s[1], s[2]
		for variant := range 4 {
			transA, transB := variant&1 != 0, variant&2 != 0
			for _, pad := range []int{0, 3} {
				for _, by := range [][2]float32{{1, 0}, {1, 1}, {0.5, -2}, {0, 1}} {
					for _, threads := range []int{1, 2} {
						a, b := random(rng, m, k, pad, transA), random(rng, k, n, 2*pad, transB)
						c := random(rng, m, n, pad+1, false)
						before := append([]float32(nil), c.values...)
						if by[1] == 0 { // C is not read
							for i := range c.values {
								c.values[i] = float32(math.NaN())
							}
						}
						Sgemm(threads, transA, transB, m, n, k, by[0], a.values, a.ld, b.values, b.ld, by[1], c.values, c.ld)
						name := fmt.Sprintf("%s: [%d,%d]·[%d,%d] trans %v %v, pad %d, alpha %g, beta %g, threads %d", Loaded().Name, m, k, k, n, transA,
							transB, pad, by[0], by[1], threads)
						check(t, name, a, b, c, before, m, n, k, float64(by[0]), float64(by[1]))
					}
				}
			}
		}
	}
}

// check compares with the product in float64. A sum of k products of float32
// is off by at most (k+2)·2⁻²⁴ of the sum of their magnitudes; rounding errors
// of both signs keep it under 20·2⁻²⁴ at these sizes.
func check(t *testing.T, name string, a, b, c matrix, before []float32, m, n, k int, alpha, beta float64) {
	t.Helper()
	for i := range m {
		for j := range n {
			var sum, size float64
			for x := range k {
				p := alpha * a.at(i, x) * b.at(x, j)
				sum += p
				size += math.Abs(p)
			}
			if beta != 0 {
				p := beta * float64(before[i*c.ld+j])
				sum += p
				size += math.Abs(p)
			}
			if e := math.Abs(c.at(i, j) - sum); !(e <= float64(min(k+2, 20))*0x1p-24*size) {
				t.Fatalf("%s: C[%d,%d] = %v, want %v", name, i, j, c.at(i, j), sum)
			}
		}
	}
	for i, v := range c.values {
		if i%c.ld >= n && !math.IsNaN(float64(v)) {
			t.Fatalf("%s: wrote %v between the rows, at %d", name, v, i)
		}
	}
}

// Without A and B nothing is left but beta·C, and A and B are not looked at.
func TestSgemmEmpty(t *testing.T) {
	c := []float32{7}
	Sgemm(1, false, false, 0, 1, 1, 1, nil, 1, []float32{1}, 1, 0, c, 1)
	Sgemm(1, false, false, 1, 0, 1, 1, []float32{1}, 1, nil, 1, 0, c, 1)
	if c[0] != 7 {
		t.Error("a product without rows or columns wrote")
	}
	Sgemm(1, false, false, 1, 1, 0, 1, nil, 1, nil, 1, 2, c, 1)
	if c[0] != 14 {
		t.Errorf("k = 0, beta 2: %v, want 14", c[0])
	}
	c[0] = float32(math.NaN())
	Sgemm(1, false, false, 1, 1, 1, 0, nil, 1, nil, 1, 0, c, 1)
	if c[0] != 0 {
		t.Errorf("alpha 0, beta 0: %v, want 0", c[0])
	}
}

// The same tests in a process of its own without oneDNN, since the choice is
// made once.
func TestFallback(t *testing.T) {
	if os.Getenv(Disable) != "" {
		if l := Loaded(); l.Name != "own "+Path() || l.Path != "" || !strings.Contains(l.Hint, Disable) {
			t.Errorf("with %s set: %+v", Disable, l)
		}
		return
	}
	if l := Loaded(); l.Path == "" && !strings.Contains(l.Hint, "apt-get install") {
		t.Errorf("without oneDNN the hint does not say how to install it: %+v", l)
	}
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run", "^(TestSgemm|TestSgemmEmpty|TestFallback)$")
	cmd.Env = append(os.Environ(), Disable+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS") != 3 {
		t.Errorf("without oneDNN: %v\n%s", err, out)
	}
}
