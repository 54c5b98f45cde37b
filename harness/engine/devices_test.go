package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lister is a program that lists two devices.
func lister(t *testing.T) func(string) ([]string, error) {
	path := filepath.Join(t.TempDir(), "prabench-cuda")
	text := "#!/bin/sh\n" + `echo '[{"name":"cuda:0","uuid":"GPU-a"},{"name":"cuda:1","uuid":"GPU-b"}]'`
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return func(string) ([]string, error) { return []string{path, "worker"}, nil }
}

func TestEveryDeviceServesOneWorkerAtATime(t *testing.T) {
	for _, list := range []string{"cuda", "cuda:0,cuda:1"} {
		d := &devices{command: lister(t)}
		one, env, free, err := d.take(context.Background(), list)
		if err != nil || one != "cuda:0" || strings.Join(env, " ") != "CUDA_VISIBLE_DEVICES=GPU-a PRABENCH_CUDA_ONLY=1" {
			t.Fatalf("%s: %s, %v, %v", list, one, env, err)
		}
		two, _, _, err := d.take(context.Background(), list)
		if err != nil || two != "cuda:1" {
			t.Fatalf("%s: %s, %v", list, two, err)
		}
		ctx, stop := context.WithTimeout(context.Background(), 20*time.Millisecond)
		if name, _, _, err := d.take(ctx, list); err == nil {
			t.Errorf("%s: %s was handed out twice", list, name)
		}
		stop()
		go free()
		if name, _, _, err := d.take(context.Background(), list); err != nil || name != "cuda:0" {
			t.Errorf("%s: after cuda:0 was given back: %s, %v", list, name, err)
		}
	}
}

func TestDevicesThatAreNotThere(t *testing.T) {
	d := &devices{command: lister(t)}
	if _, _, _, err := d.take(context.Background(), "cuda:0,cuda:7"); err == nil ||
		!strings.Contains(err.Error(), "there is no cuda:7; this machine has cuda:0, cuda:1") {
		t.Errorf("%v", err)
	}
	if name, env, free, err := d.take(context.Background(), "cpu"); err != nil || name != "cpu" || env != nil {
		t.Errorf("%s, %v, %v", name, env, err)
	} else {
		free()
	}
	if name, env, free, err := d.take(context.Background(), "cuda:3"); err != nil || name != "cuda:3" || env != nil {
		t.Errorf("one device is taken as it is named, not asked for: %s, %v, %v", name, env, err)
	} else {
		free()
	}
}
