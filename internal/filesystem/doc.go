// Package filesystem answers what has to be known of a folder before a database
// is kept in it: whether its filesystem is shared over a network, where SQLite's
// locks cannot be relied on, and whether it can be written.
package filesystem
