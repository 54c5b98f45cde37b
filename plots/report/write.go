package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	"prabench/internal/page"
	"prabench/metrics/quantity"
)

//go:embed assets
var assets embed.FS

// templates is made when the first page is written: most processes write none.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"lines": func(s string) []string { return strings.Split(s, "\n") },
		"join":  strings.Join,
		"main":  func() []string { return quantity.Names(func(m *quantity.Metric) bool { return m.Front }) },
	}).ParseFS(assets, "assets/*.html"))
})

// document is what the template sees.
type document struct {
	Title, Database string
	Experiments     []*experiment
	Policy          string
	CSS             template.CSS
	JS, Data        template.JS
	Icon            template.URL
}

// Several says that there are several experiments.
func (d *document) Several() bool { return len(d.Experiments) > 1 }

func write(w io.Writer, c Content) error {
	d := &document{Database: c.Database, Icon: dataURL("image/svg+xml", []byte(page.Icon))}
	p := newProvenance()
	for i, e := range c.Experiments {
		x, err := newExperiment(e, i)
		if err != nil {
			return err
		}
		d.Experiments = append(d.Experiments, x)
		for _, t := range x.Tables {
			p.add(x, t)
		}
	}
	d.Title = "prabench report"
	if len(d.Experiments) == 1 {
		d.Title = d.Experiments[0].Name
	}
	style, script := page.CSS+asset("report.css"), asset("report.js")
	data, err := json.Marshal(p) // which escapes <, > and &
	if err != nil {
		return fmt.Errorf("the provenance: %w", err)
	}
	d.CSS, d.JS, d.Data = template.CSS(style), template.JS(script), template.JS(data)
	// Nothing may be loaded from anywhere, and no other style or script runs
	// than the two whose hashes stand here.
	d.Policy = "default-src 'none'; img-src data:; style-src " + hash(style) + "; script-src " + hash(script) +
		"; base-uri 'none'; form-action 'none'"
	var b bytes.Buffer
	if err := templates().ExecuteTemplate(&b, "report", d); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// asset is the text of a file that is part of every report.
func asset(name string) string {
	raw, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // embedded
	}
	return string(raw)
}

// hash is a text's hash as a policy names it.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
