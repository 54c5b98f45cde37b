package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"prabench/harness/tools/check/session"
)

// The page of exit codes has those of the program, no more and no less.
func TestExitCodesAreOnTheirPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \| ([^|]+) \|`).FindAllStringSubmatch(string(page), -1) {
		rows = append(rows, m[1])
	}
	var codes []string
	for _, c := range []int{exitOK, exitFailed, exitUsage, session.Inconclusive, exitHarness} {
		codes = append(codes, fmt.Sprint(c))
	}
	slices.Sort(codes)
	if !slices.Equal(rows, codes) {
		t.Errorf("the page has %q, the program %q", rows, codes)
	}
	here(t)
	for args, want := range map[string]int{
		"plan tiny.toml": exitOK, "plan tiny.toml --set train.stepz=1": exitUsage, "frob": exitUsage, "help frob": exitUsage,
		"results --nothing":                       exitUsage,
		"run tiny.toml --db /dev/full/results.db": exitHarness,
	} {
		if _, errs, code := prabench(args); code != want {
			t.Errorf("prabench %s: exit code %d, want %d: %s", args, code, want, errs)
		}
	}
}
