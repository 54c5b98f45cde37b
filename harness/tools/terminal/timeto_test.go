package terminal

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"prabench/harness/engine"
	"prabench/results/table"
	"prabench/results/view"
)

// looked is one training of two seeds at two stops, of which the second seed never
// reaches 5. From an old database, it has no train_flops.
func looked() (rows []view.Row) {
	for seed := range uint64(2) {
		for i, until := range []int64{100, 200} {
			params := map[string]any{"model.patch": int64(4), "train.until": until}
			for metric, value := range map[string]float64{"fid_proxy": 8 - float64(i)*(6-5*float64(seed)), "train_seconds": 1000 * float64(i+1)} {
				rows = append(rows, view.Row{Metric: metric, Value: value, Seed: seed, Params: params})
			}
		}
	}
	return rows
}

// For programs there is a line for each cost, with what is stored, for people one for each
// training.
func TestTimeToInEveryFormat(t *testing.T) {
	for format, want := range map[string]string{
		"table": `fid_proxy reaches 5
training  seeds  reached  steps              train_seconds (min)  train_flops (FLOP)
patch=4       2        1  150, others > 200  25.0, others > 33.3
`,
		"md": `| training | seeds | reached fid_proxy=5 | steps | train_seconds (min) | train_flops (FLOP) |
| --- | ---: | ---: | --- | --- | --- |
| patch=4 | 2 | 1 | 150, others &gt; 200 | 25.0, others &gt; 33.3 |  |
`,
		"csv": `training,metric,goal,seeds,reached,cost,unit,value,lo,hi,n,beyond,at_first
patch=4,fid_proxy,5,2,1,steps,1,150,,,1,200,false
patch=4,fid_proxy,5,2,1,train_seconds,s,1500,,,1,2000,false
patch=4,fid_proxy,5,2,1,train_flops,1,,,,0,,false
`,
		"json": `{"training":"patch=4","metric":"fid_proxy","goal":5,"seeds":2,"reached":1,"cost":"steps","unit":"1","value":150,"lo":null,` +
			`"hi":null,"n":1,"beyond":200,"at_first":false}` + "\n",
		"latex":   `\begin{tabular}{lrrlll}`,
		"parquet": "PAR1",
	} {
		var b bytes.Buffer
		if err := TimeTo(&b, format, looked(), "fid_proxy=5"); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		whole := format == "table" || format == "md" || format == "csv"
		if got := b.String(); whole && got != want || !strings.Contains(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", format, got, want)
		}
	}
	for _, format := range table.Formats() {
		var b bytes.Buffer
		if err := TimeTo(&b, format, looked(), "fid_proxy"); !engine.IsMistake(err) || b.Len() > 0 {
			t.Errorf("%s of no goal: %v, %s", format, err, &b)
		}
	}
	var b bytes.Buffer
	if err := TimeTo(&b, "csv", looked(), "fid_proxy=8.5"); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(lines) != 4 || lines[1][4] != "2" || lines[1][10] != "2" || lines[1][11] != "" || lines[1][12] != "true" {
		t.Errorf("of two seeds: %q, %v", lines, err)
	}
}
