package check

import (
	"reflect"
	"strings"
	"testing"
)

const scores = `experiment,cell,seed,metric,unit,value,lo,hi,n,protocol
e,a,1,fid_proxy,1,10,9,11,500,p
e,b,2,fid_proxy,1,12,11,13,500,p
e,a,1,kid,1,3,2,4,500,p
e,c,1,fid_proxy,1,20,19,21,500,p
e,d,2,fid_proxy,1,20.5,19,21,500,p
`

func TestQualityIsReadAndPooled(t *testing.T) {
	one, err := ReadQuality(strings.NewReader(scores), 1)
	if err != nil || len(one) != 4 || !reflect.DeepEqual(one[1], quality(12, 11, 13, "p")) {
		t.Errorf("%+v, %v", one, err)
	}
	two, err := ReadQuality(strings.NewReader(scores), 2)
	// Student with one degree of freedom: 11 ± 12.706·√2/√2.
	if err != nil || len(two) != 2 || two[0].Value != 11 || *two[0].Hi < 23.70 || *two[0].Hi > 23.71 {
		t.Errorf("%+v, %v", two, err)
	}
	if _, err := ReadQuality(strings.NewReader(scores), 3); err == nil || !strings.Contains(err.Error(), "some cells failed") {
		t.Error(err)
	}
	if _, err := ReadQuality(strings.NewReader("a,b\n1,2\n"), 1); err == nil {
		t.Error("a table without the columns was read")
	}
}

func quality(value, lo, hi float64, protocol string) Quality {
	return Quality{value, &lo, &hi, 1, protocol}
}

func TestQualityByInterval(t *testing.T) {
	old := quality(10, 9, 11, "p")
	for _, c := range []struct {
		newer Quality
		want  Verdict
	}{
		{quality(10.5, 9.5, 11.5, "p"), Pass}, {quality(13, 12, 14, "p"), Regression}, {quality(7, 6, 8, "p"), Improvement},
		{quality(13, 12, 14, "q"), Inconclusive},
		{Quality{Value: 13, Seeds: 2, Protocol: "p"}, Inconclusive}, // both seeds gave the same
	} {
		r := &Report{Cells: []Result{{Label: "x", Verdict: Pass}}, Verdict: Pass}
		r.Judge("x", old, c.newer)
		if k := r.Cells[0].Comparisons[0]; k.Verdict != c.want || r.Verdict != c.want || r.Cells[0].Verdict != c.want {
			t.Errorf("%+v: %s, %s", c.newer, k.Verdict, k.Why)
		}
	}
}
