package paper

import (
	"bytes"
	_ "embed"
	"html/template"
	"strings"
	"sync"

	"prabench/plots"
)

//go:embed index.html.tmpl
var indexText string

// The template escapes whatever stands in names and labels.
// index is made when the first page is written: most processes write none.
var index = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("index").Funcs(template.FuncMap{
		"join":    join,
		"words":   func(list []string) string { return strings.Join(list, " ") },
		"count":   counted,
		"p":       pText,
		"short":   plots.ShortLabel,
		"upper":   upper,
		"base":    func(path string) string { return path[strings.LastIndexByte(path, '/')+1:] },
		"nodot":   func(s string) string { return strings.TrimSuffix(s, ".") },
		"table":   func(s string) template.HTML { return template.HTML(s) }, // of plots.TableHTML, which escapes
		"css":     func(v Verdict) string { return strings.ReplaceAll(string(v), " ", "-") },
		"how":     func() string { return how },
		"sums":    func() string { return SumsFile },
		"source":  func(s section) string { return s.Name + "/" + SourceFile },
		"tries":   func(s section) string { return s.Name + "/" + AttemptsFile },
		"several": func(r Result) bool { return len(r.Comparisons) > 1 },
		"claims": func(p page) bool {
			for _, s := range p.Sections {
				if len(s.Results) > 0 {
					return true
				}
			}
			return false
		},
	}).Parse(indexText))
})

func (p page) html() ([]byte, error) {
	var b bytes.Buffer
	err := index().Execute(&b, p)
	return b.Bytes(), err
}
