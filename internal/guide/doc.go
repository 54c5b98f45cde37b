// Package guide follows the pages of docs/guide: it saves their files and runs their
// commands in an empty folder, with the program as it is built now. A page that a
// reader cannot follow is a broken page. It has tests alone.
package guide
