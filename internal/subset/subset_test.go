package subset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"
)

// The first 64 points on all axes are those of SciPy 1.x:
//
//	x = scipy.stats.qmc.Sobol(21, scramble=False, bits=32).random(64) * 2**32
//	hashlib.sha256(x.astype('<u4').tobytes()).hexdigest()
func TestSobolIsSciPys(t *testing.T) {
	s, h := newSequence(MostSobol), sha256.New()
	for n := range 64 {
		p := s.next()
		if err := binary.Write(h, binary.LittleEndian, p); err != nil {
			t.Fatal(err)
		}
		if want := []uint32{0x78000000, 0x18000000, 0xd8000000, 0x48000000}; n == 20 && !slices.Equal(p[:4], want) {
			t.Errorf("point 20 begins with %x, SciPy's with %x", p[:4], want)
		}
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != "2c6458e7b8817e0683b73ab01a046b11e18a2a0f8481f5fc35b733a28cafe4fe" {
		t.Errorf("other points than SciPy's: %s", got)
	}
}

// Every step of every axis is as often among the first points of a Sobol sequence as
// its share says, whatever the seed; points are those of a grid, and the same again.
func TestSubsets(t *testing.T) {
	steps := []int{2, 4, 8, 1, 16}
	for _, kind := range Kinds {
		for seed := range uint64(5) {
			next, err := New(kind, steps, seed)
			again, _ := New(kind, steps, seed)
			if err != nil {
				t.Fatal(err)
			}
			count := make([][]int, len(steps))
			for i, n := range steps {
				count[i] = make([]int, n)
			}
			for range 64 {
				p := next()
				if !slices.Equal(p, again()) {
					t.Fatalf("%s, seed %d: another sequence the second time", kind, seed)
				}
				for i, at := range p {
					count[i][at]++
				}
			}
			for i, n := range steps {
				if lo, hi := slices.Min(count[i]), slices.Max(count[i]); kind == "sobol" && (lo != 64/n || hi != 64/n) {
					t.Errorf("sobol, seed %d: steps of axis %d are there %v times among 64 points", seed, i+1, count[i])
				}
			}
		}
	}
	a, _ := New("sobol", []int{1000, 1000}, 1)
	b, _ := New("sobol", []int{1000, 1000}, 2)
	if slices.Equal(a(), b()) {
		t.Error("two seeds begin with the same point")
	}
	if _, err := New("sobol", make([]int, MostSobol+1), 1); err == nil {
		t.Error("more axes than there are numbers for")
	}
	if _, err := New("grid", steps, 1); err == nil {
		t.Error("a kind that is none")
	}
}
