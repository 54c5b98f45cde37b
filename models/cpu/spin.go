package cpu

import "os"

// spins is how often a thread looks for work before it sleeps, some tenths of a
// millisecond. At a tenth of that, threads that slept between two operations
// now and then woke on one core, and a whole run took 1.7 times as long; at ten
// times that (the library's own number) a step beside another process took ten
// times as long.
const spins = "30000"

// SpinEnvironment is what the environment of a computing process should have
// besides what it has, nil where nothing is missing. OpenMP's threads otherwise wait in
// a loop for milliseconds: where another process has their core, the thread
// that has the work then waits for the one that only waits, and a step takes
// many times longer. The library reads this before main runs, so it must be in
// the environment that a process is started with. What the user set stays.
func SpinEnvironment() []string {
	for _, name := range []string{"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} {
		if _, set := os.LookupEnv(name); set {
			return nil
		}
	}
	return []string{"GOMP_SPINCOUNT=" + spins}
}
