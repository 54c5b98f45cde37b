package plots

import (
	"fmt"
	"html"
	"strings"
)

func (t *table) html() string {
	var b strings.Builder
	esc := html.EscapeString
	b.WriteString("<table>\n<thead><tr>")
	for _, k := range t.keys {
		fmt.Fprintf(&b, "<th>%s</th>", esc(k.q.short))
	}
	for _, c := range t.columns {
		fmt.Fprintf(&b, `<th class="number">%s</th>`, esc(c.head("↑", "↓")))
	}
	b.WriteString("</tr></thead>\n<tbody>\n")
	for i, c := range t.selection.cells {
		b.WriteString("<tr>")
		for _, k := range t.keys {
			fmt.Fprintf(&b, "<td>%s</td>", esc(show(t.value(c, k))))
		}
		for _, v := range t.cells[i] {
			text := esc(v.value)
			switch {
			case v.why != "":
				text = "<i>" + esc(v.why) + "</i>"
			case v.standing == Best:
				text = "<b>" + text + "</b>"
			case v.standing == Close:
				text = "<u>" + text + "</u>"
			}
			if v.interval != "" {
				text += ` <span class="interval">` + esc(v.interval) + "</span>"
			}
			fmt.Fprintf(&b, `<td class="number">%s</td>`, text)
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody>\n</table>\n")
	for _, n := range t.foot() {
		fmt.Fprintf(&b, "<p class=\"foot\">%s</p>\n", esc(n))
	}
	return b.String()
}
