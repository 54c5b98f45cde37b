package terminal

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"prabench/experiments"
	"prabench/results/table"
)

// Keys prints every key of experiment files with its default; the column family has
// a name where not every family of models has the key.
func Keys(w io.Writer) error {
	t := table.Table{Columns: []string{"key", "type", "default", "family", "meaning"}}
	for _, k := range experiments.Keys() {
		t.Rows = append(t.Rows, []any{k.Name, k.Type, keyValue(k.Default), strings.Join(k.Families, ", "), k.Doc})
	}
	return table.WriteText(w, t)
}

// Effective prints every key with the value that a file gives it.
func Effective(w io.Writer, f *experiments.Experiment) error {
	t := table.Table{Columns: []string{"key", "value", "default", "given at", "family", "meaning"}}
	for _, k := range f.Effective() {
		t.Rows = append(t.Rows, []any{k.Name, keyValue(k.Value), keyValue(k.Default), k.Source, strings.Join(k.Families, ", "), k.Doc})
	}
	return table.WriteText(w, t)
}

func keyValue(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	return strings.ReplaceAll(fmt.Sprint(v), " ", ", ")
}
