// Package draw joins what the database knows of an experiment with what the
// store keeps of it, and makes figures, the report and the paper of both.
//
// Its principle is that a drawing is a question to what is there: nothing is run,
// trained or measured for it. What is missing, damaged or not comparable is said
// beside the drawing and never fills it with something else; a figure that
// cannot be drawn keeps no other from being drawn.
package draw
