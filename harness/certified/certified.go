// Package certified keeps certificates of feature extractors among the artifacts, and
// says of which numbers there is none.
//
// Its principle is that a number without a certificate is still a number: nothing is
// refused, and what is not known of its features is said beside it, once.
package certified

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"prabench/harness/artifact"
	"prabench/metrics/certificate"
	"prabench/metrics/embed"
)

// Kind is the folder of certificates among the artifacts; the files of one.
const (
	Kind   = "certificate"
	File   = "certificate.json"
	Page   = "certificate.md"
	Figure = "certificate.png"
)

// Ref is where the certificate of an extractor on a data set is kept.
func Ref(extractorHash, dataHash string) artifact.Ref {
	return artifact.Ref{Kind: Kind, Key: certificate.Key(extractorHash, dataHash)}
}

// Find is the certificate that was measured here, else one that comes with the
// program; nil where there is none. What is damaged is an error.
func Find(store artifact.Store, extractorHash, dataHash string) (*certificate.Certificate, error) {
	ref := Ref(extractorHash, dataHash)
	raw, err := store.Read(ref, File)
	if errors.Is(err, artifact.ErrMissing) {
		return certificate.Shipped(extractorHash, dataHash), nil
	}
	if err != nil {
		return nil, err
	}
	c := &certificate.Certificate{}
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, fmt.Errorf("artifact %s: %s: %w", ref, File, err)
	}
	return c, nil
}

// Beside is what is said beside values of a metric under a protocol: which extractor
// has no certificate for which data, and why; "" where there is nothing to say, as
// of values that no features are behind. It looks for each certificate once.
func Beside(store artifact.Store) func(metric, protocol string) string {
	known := map[[2]string]string{}
	return func(metric, protocol string) string {
		var all []string
		for one := range strings.SplitSeq(protocol, " + ") { // several that were accepted
			text, ok := known[[2]string{metric, one}]
			if !ok {
				text = beside(store, metric, fields(one))
				known[[2]string{metric, one}] = text
			}
			if text != "" && !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
		return strings.Join(all, "; ")
	}
}

func fields(protocol string) map[string]string {
	f := map[string]string{}
	for part := range strings.SplitSeq(protocol, "; ") {
		if key, value, ok := strings.Cut(part, "="); ok {
			f[key] = value
		}
	}
	return f
}

func beside(store artifact.Store, metric string, p map[string]string) string {
	extractor, data := p["embedder_hash"], p["data_hash"]
	if extractor == "" || data == "" {
		return ""
	}
	c, err := Find(store, extractor, data)
	name := fmt.Sprintf("%s on %s", p["embedder"], p["data"])
	text := ""
	if err != nil {
		text = name + ": uncertified, its certificate cannot be read"
	} else if c == nil {
		text = name + ": uncertified"
	} else if failed, untested := c.Against(metric); failed > 0 {
		text = fmt.Sprintf("%s: uncertified, %s", name, counted(failed, "criterion fails", "criteria fail"))
	} else if untested > 0 {
		text = fmt.Sprintf("%s: uncertified, %s", name, counted(untested, "criterion not tested", "criteria not tested"))
	}
	if p["embedder"] == embed.AnyImages && p["channels"] == "3" {
		if text == "" {
			text = name
		}
		text += ", random filters that barely see shapes"
	}
	return text
}

func counted(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// Of is a value as far as its features are concerned.
type Of struct{ Metric, Protocol string }

// Notes are what is said of values, in a line, with what to do about it.
func Notes(store artifact.Store, values []Of) []string {
	say := Beside(store)
	var order []string
	metrics := map[string][]string{}
	for _, v := range values {
		text := say(v.Metric, v.Protocol)
		if text == "" {
			continue
		}
		if metrics[text] == nil {
			order = append(order, text)
		}
		if !slices.Contains(metrics[text], v.Metric) {
			metrics[text] = append(metrics[text], v.Metric)
		}
	}
	if len(order) == 0 {
		return nil
	}
	for i, text := range order {
		order[i] = text + " (" + strings.Join(metrics[text], ", ") + ")"
	}
	return []string{"features: " + strings.Join(order, "; ") + "; `prabench embedder certify` measures what features see"}
}
