// Package latex writes any text so that LaTeX prints it.
//
// Its principle is that a table that does not compile is worse than one with an odd
// sign in it: every character that LaTeX gives a meaning is escaped, signs that
// its text fonts lack become mathematics, and what no plain installation can
// print is written by its Unicode number, never left out.
package latex

import (
	"fmt"
	"strings"
	"unicode"
)

// signs are the characters with a meaning, and those outside Latin-1 that
// figures use.
var signs = map[rune]string{
	'\\': `\textbackslash{}`, '&': `\&`, '%': `\%`, '$': `\$`, '#': `\#`, '_': `\_`, '{': `\{`, '}': `\}`,
	'~': `\textasciitilde{}`, '^': `\textasciicircum{}`, '<': `\textless{}`, '>': `\textgreater{}`, '|': `\textbar{}`,
	'"':  "''", // its other names need the encoding T1
	'\n': " ", '\t': " ", '\r': " ", '\u00a0': "~", '\u202f': `\,`, '\u2009': `\,`, '\u00ad': `\-`,

	'±': `$\pm$`, '×': `$\times$`, '÷': `$\div$`, '·': `$\cdot$`, '−': `$-$`, '°': `$^\circ$`, '¬': `$\neg$`,
	'¹': `$^1$`, '²': `$^2$`, '³': `$^3$`, '⁴': `$^4$`, '⁻': `$^-$`, '½': `$\frac12$`, '¼': `$\frac14$`, '¾': `$\frac34$`,
	'µ': `$\mu$`, '≤': `$\leq$`, '≥': `$\geq$`, '≠': `$\neq$`, '≈': `$\approx$`, '∞': `$\infty$`, '∈': `$\in$`, '√': `$\surd$`,
	'→': `$\rightarrow$`, '←': `$\leftarrow$`, '↑': `$\uparrow$`, '↓': `$\downarrow$`, '↔': `$\leftrightarrow$`,
	'Δ': `$\Delta$`, 'Σ': `$\Sigma$`, 'Ω': `$\Omega$`, 'Φ': `$\Phi$`, 'Θ': `$\Theta$`, 'Λ': `$\Lambda$`,
	'α': `$\alpha$`, 'β': `$\beta$`, 'γ': `$\gamma$`, 'δ': `$\delta$`, 'ε': `$\varepsilon$`, 'η': `$\eta$`, 'θ': `$\theta$`,
	'κ': `$\kappa$`, 'λ': `$\lambda$`, 'μ': `$\mu$`, 'ν': `$\nu$`, 'π': `$\pi$`, 'ρ': `$\rho$`, 'σ': `$\sigma$`, 'τ': `$\tau$`,
	'φ': `$\varphi$`, 'χ': `$\chi$`, 'ψ': `$\psi$`, 'ω': `$\omega$`, 'ℝ': `$\mathrm{R}$`,
	'–': "--", '—': "---", '…': `\dots{}`, '‘': "`", '’': "'", '“': "``", '”': "''", '„': ",,", '†': `$\dagger$`, '‡': `$\ddagger$`,
	'•': `$\bullet$`,
}

// Escape gives s as LaTeX text for a paragraph, a caption or the cell of a
// table. It needs no package; letters beyond ASCII stay UTF-8, which LaTeX reads
// since 2018.
func Escape(s string) string {
	var b strings.Builder
	last := rune(0)
	for _, r := range s {
		if r == '-' && last == '-' { // two in a row would become a dash
			b.WriteString("{}")
		}
		last = r
		known, ok := signs[r]
		switch {
		case ok:
			b.WriteString(known)
		case r >= ' ' && r < 0x7f, isLatin(r):
			b.WriteRune(r)
		case unicode.IsControl(r):
		default:
			fmt.Fprintf(&b, `\texttt{[U+%04X]}`, r)
		}
	}
	return b.String()
}

// isLatin tells the letters that the standard fonts can set: Latin-1 and most
// of Latin Extended-A.
func isLatin(r rune) bool {
	if r >= 0xC0 && r <= 0xFF && r != 0xD7 && r != 0xF7 {
		return !strings.ContainsRune("ÐÞðþ", r) // not in the 7-bit fonts
	}
	return r >= 0x100 && r <= 0x17E && !strings.ContainsRune("ĐđĦħĲĳĸĿŀŉŊŋŦŧſĄąĘęĮįŲų", r)
}

// Bold wraps text that is escaped already.
func Bold(s string) string { return `\textbf{` + s + "}" }

// Underline wraps text that is escaped already.
func Underline(s string) string { return `\underline{` + s + "}" }

// Italic wraps text that is escaped already.
func Italic(s string) string { return `\textit{` + s + "}" }
