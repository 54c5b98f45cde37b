package certified

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/harness/artifact"
	"prabench/metrics/certificate"
)

func save(t *testing.T, s artifact.Store, c certificate.Certificate) {
	t.Helper()
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Begin(Ref(c.ExtractorHash, c.DataHash))
	if err == nil {
		err = d.Write(File, raw)
	}
	if err == nil {
		_, err = d.Commit()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func protocol(embedder, hash, data, channels string) string {
	return "channels=" + channels + "; data=" + data + "; data_hash=" + data + "-hash; embedder=" + embedder + "; embedder_hash=" + hash
}

// What is said beside numbers: nothing of certified features and of numbers without
// features, once what is wrong with the others.
func TestWhatIsSaidBesideNumbers(t *testing.T) {
	s := artifact.Store{Root: t.TempDir()}
	save(t, s, certificate.Certificate{ExtractorHash: "good", DataHash: "set-hash"})
	save(t, s, certificate.Certificate{ExtractorHash: "half", DataHash: "set-hash",
		Failed: []certificate.Finding{{Metric: "kid", Text: "falls"}}, Untested: []certificate.Finding{{Metric: "kid", Text: "few"}}})
	save(t, s, certificate.Certificate{ExtractorHash: "few", DataHash: "set-hash",
		Untested: []certificate.Finding{{Text: "few"}, {Text: "fewer"}}})
	save(t, s, certificate.Certificate{ExtractorHash: "broken", DataHash: "set-hash"})
	path := filepath.Join(s.Dir(Ref("broken", "set-hash")), File)
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	say := Beside(s)
	for _, c := range []struct{ metric, protocol, want string }{
		{"fid_proxy", protocol("x", "good", "set", "1"), ""},
		{"throughput", "batch=64; threads=2", ""},
		{"throughput", "", ""},
		{"fid_proxy", protocol("x", "half", "set", "1"), ""},
		{"kid", protocol("x", "half", "set", "1"), "x on set: uncertified, 1 criterion fails"},
		{"precision", protocol("x", "half", "set", "1"), ""},
		{"kid", protocol("x", "few", "set", "1"), "x on set: uncertified, 2 criteria not tested"},
		{"kid", protocol("x", "good", "other", "1"), "x on other: uncertified"},
		{"kid", protocol("x", "broken", "set", "1"), "x on set: uncertified, its certificate cannot be read"},
		{"fid_proxy", protocol("ternary", "t", "set", "1"), "ternary on set: uncertified"},
		{"fid_proxy", protocol("ternary", "t", "set", "3"), "ternary on set: uncertified, random filters that barely see shapes"},
		{"fid_proxy", protocol("ternary", "good", "set", "3"), "ternary on set, random filters that barely see shapes"},
		{"kid", protocol("x", "half", "set", "1") + " + " + protocol("y", "z", "set", "1"),
			"x on set: uncertified, 1 criterion fails; y on set: uncertified"},
	} {
		if got := say(c.metric, c.protocol); got != c.want {
			t.Errorf("%s under %q: %q, want %q", c.metric, c.protocol, got, c.want)
		}
	}
	notes := Notes(s, []Of{{"fid_proxy", protocol("x", "half", "set", "1")}, {"kid", protocol("x", "half", "set", "1")},
		{"throughput", "batch=1"}, {"fid_proxy", protocol("y", "z", "set", "1")},
		{"recall", protocol("y", "z", "set", "1")}, {"recall", protocol("y", "z", "set", "1")}})
	want := "features: x on set: uncertified, 1 criterion fails (kid); y on set: uncertified (fid_proxy, recall); `prabench embedder certify` "
	if len(notes) != 1 || !strings.HasPrefix(notes[0], want) {
		t.Errorf("%q", notes)
	}
	if notes := Notes(s, []Of{{"fid_proxy", protocol("x", "good", "set", "1")}}); notes != nil {
		t.Errorf("%q", notes)
	}
}

// A certificate of other data, of another extractor or of other criteria is none.
func TestWhichCertificateIsFound(t *testing.T) {
	s := artifact.Store{Root: t.TempDir()}
	save(t, s, certificate.Certificate{Extractor: "x", ExtractorHash: "a", DataHash: "b"})
	if c, err := Find(s, "a", "b"); err != nil || c == nil || c.Extractor != "x" {
		t.Errorf("%+v, %v", c, err)
	}
	for _, other := range [][2]string{{"a", "c"}, {"c", "b"}, {"b", "a"}, {"a", ""}} {
		if c, err := Find(s, other[0], other[1]); err != nil || c != nil {
			t.Errorf("%q: %+v, %v", other, c, err)
		}
	}
}
