// Package prose holds the project's pages and help texts to plain English: words
// that read like a translation, and headings that say nothing, have a better word.
// It has tests alone.
package prose
