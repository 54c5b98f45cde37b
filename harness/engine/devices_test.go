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
		one, free, err := d.take(context.Background(), list, 1)
		if err != nil || one[0].Device != "cuda:0" || strings.Join(one[0].Env, " ") != "CUDA_VISIBLE_DEVICES=GPU-a PRABENCH_CUDA_ONLY=1" {
			t.Fatalf("%s: %v, %v", list, one, err)
		}
		two, freeTwo, err := d.take(context.Background(), list, 1)
		if err != nil || two[0].Device != "cuda:1" {
			t.Fatalf("%s: %v, %v", list, two, err)
		}
		ctx, stop := context.WithTimeout(context.Background(), 20*time.Millisecond)
		if seats, _, err := d.take(ctx, list, 1); err == nil {
			t.Errorf("%s: %v was handed out twice", list, seats)
		}
		stop()
		go free()
		again, free, err := d.take(context.Background(), list, 1)
		if err != nil || again[0].Device != "cuda:0" {
			t.Errorf("%s: after cuda:0 was given back: %v, %v", list, again, err)
		}

		// Two at once wait for both, and hold neither meanwhile.
		free()
		ctx, stop = context.WithTimeout(context.Background(), 20*time.Millisecond)
		if seats, _, err := d.take(ctx, list, 2); err == nil {
			t.Errorf("%s: %v of which one is busy", list, seats)
		}
		stop()
		go freeTwo()
		both, _, err := d.take(context.Background(), list, 2)
		if err != nil || len(both) != 2 || both[0].Device != "cuda:0" || both[1].Device != "cuda:1" ||
			strings.Join(both[1].Env, " ") != "CUDA_VISIBLE_DEVICES=GPU-b PRABENCH_CUDA_ONLY=1" {
			t.Errorf("%s: %v, %v", list, both, err)
		}
		if _, _, err := d.take(context.Background(), list, 3); err == nil || !strings.Contains(err.Error(), "measure.devices = 3") {
			t.Errorf("%s: 3 of 2 devices: %v", list, err)
		}
	}
}

func TestDevicesThatAreNotThere(t *testing.T) {
	d := &devices{command: lister(t)}
	if _, _, err := d.take(context.Background(), "cuda:0,cuda:7", 1); err == nil ||
		!strings.Contains(err.Error(), "there is no cuda:7; this machine has cuda:0, cuda:1") {
		t.Errorf("%v", err)
	}
	seats, free, err := d.take(context.Background(), "cpu", 3)
	if err != nil || len(seats) != 3 || seats[2].Device != "cpu" || seats[2].Env != nil {
		t.Errorf("%v, %v", seats, err)
	} else {
		free()
	}
	if seats, free, err := d.take(context.Background(), "cuda:3", 1); err != nil || seats[0].Device != "cuda:3" || seats[0].Env != nil {
		t.Errorf("one device is taken as it is named, not asked for: %v, %v", seats, err)
	} else {
		free()
	}
}
