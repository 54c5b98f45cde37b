// Package page has what the HTML pages of prabench share: their look, and the
// axes of pictures that are drawn in the page itself.
//
// Its principle is that a page of numbers is read on a phone, in the dark and on
// paper as well as on a desk: colours come as names with a light and a dark
// value, a colour never stands alone, wide tables scroll inside themselves, and
// pictures drawn on white keep it.
package page

import _ "embed"

// CSS is the style sheet that the pages begin with: colours, type, sections,
// tables, charts and pictures.
//
//go:embed page.css
var CSS string

// Icon is the pages' icon, an SVG document.
//
//go:embed icon.svg
var Icon string

// Colours is how many classes c0, c1, … the style sheet has for series.
const Colours = 6
