package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	_ "github.com/mattn/go-sqlite3"

	"prabench/metrics/quantity"
	"prabench/results"
	"prabench/results/record"
)

// content is what a database says.
type content struct {
	rows     map[string]float64 // all of a row but its times, attempt and value → the value
	twice    []string           // rows that are there more than once
	stages   map[string]int     // stage → attempts that ended well
	attempts map[string]bool    // ids
	outcomes map[string]string  // cell → outcome
	damage   string             // what SQLite's own check says, unless "ok"
}

func read(path string) (content, error) {
	c := content{rows: map[string]float64{}, stages: map[string]int{}, attempts: map[string]bool{}, outcomes: map[string]string{}}
	db, err := results.OpenReadOnly(path)
	if err != nil {
		return c, err
	}
	defer db.Close()
	rows, err := db.Results(context.Background(), results.Filter{})
	if err != nil {
		return c, err
	}
	for _, r := range rows {
		name := strings.Join([]string{r.Experiment, r.Cell, fmt.Sprint(r.Seed), r.Metric, r.Unit, fmt.Sprint(r.N), r.Protocol, r.Outcome}, " | ")
		if _, known := c.rows[name]; known {
			c.twice = append(c.twice, name)
		}
		c.rows[name] = r.Value
	}
	cells, err := db.Cells(context.Background(), "")
	if err != nil {
		return c, err
	}
	for _, cell := range cells {
		c.outcomes[cell.Experiment+" "+cell.Cell] = cell.Outcome
	}
	return c, c.readTables(path)
}

// readTables reads what the program itself has no need to ask.
func (c *content) readTables(path string) error {
	raw, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		return err
	}
	defer raw.Close()
	if err := raw.QueryRow("PRAGMA integrity_check").Scan(&c.damage); err != nil {
		return err
	}
	rows, err := raw.Query("SELECT a.id, s.key, a.outcome FROM attempt a JOIN stage s ON s.n = a.stage")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, stage, outcome string
		if err := rows.Scan(&id, &stage, &outcome); err != nil {
			return err
		}
		c.attempts[id] = true
		if outcome == record.OK {
			c.stages[stage]++
		}
	}
	return rows.Err()
}

// measured are the metrics whose values no two runs share.
func measured(name string) bool {
	metric := strings.Split(name, " | ")[3]
	m := quantity.Find(metric)
	return m != nil && !m.Exact()
}

// differences says what a database has that another one has not.
func differences(want, got content) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if got.damage != "ok" {
		add("the database is damaged: %s", got.damage)
	}
	for name, v := range want.rows {
		g, there := got.rows[name]
		switch {
		case !there:
			add("lost: %s", name)
		case g != v && !measured(name):
			add("%s is %v, undisturbed %v", name, g, v)
		}
	}
	for name := range got.rows {
		if _, there := want.rows[name]; !there {
			add("only after the storm: %s", name)
		}
	}
	for _, name := range got.twice {
		add("there twice: %s", name)
	}
	for stage, n := range got.stages {
		if n != 1 {
			add("stage %.12s ended well %d times", stage, n)
		}
		if want.stages[stage] == 0 {
			add("stage %.12s was not wanted", stage)
		}
	}
	for cell, o := range want.outcomes {
		if got.outcomes[cell] != o {
			add("cell %s is %q, undisturbed %q", cell, got.outcomes[cell], o)
		}
	}
	sort.Strings(out)
	return out
}

// look remembers the attempts that have ended well so far: whatever is stored,
// or lies in the spool folder, must be there at the end.
func (w *weather) look() {
	if c, err := read(w.places.DB); err == nil {
		for id := range c.attempts {
			w.seen[id] = true
		}
	}
	files, _ := filepath.Glob(filepath.Join(w.places.Spool(), "*.json"))
	for _, f := range files {
		if a, err := record.ReadSpool(f); err == nil {
			w.seen[a.ID] = true
		}
	}
}

// lost says which attempts were there once and are no more, and what was left.
func (w *weather) lost(got content) []string {
	var out []string
	for id := range w.seen {
		if !got.attempts[id] {
			out = append(out, "attempt "+id+" was there and is lost")
		}
	}
	for _, pattern := range []string{"*.json", "quarantine/*"} {
		left, _ := filepath.Glob(filepath.Join(w.places.Spool(), pattern))
		for _, f := range left {
			out = append(out, "left in the spool: "+f)
		}
	}
	return out
}
