// Command ptx turns the committed PTX into kernel images for the stand-in driver:
// every instruction becomes a statement of C++ that means what the PTX ISA says,
// and g++ compiles them. So what a test runs is the text that a GPU's driver is
// given, not what another compiler made of the same source.
//
//	go run ./models/cuda/standin/ptx -out DIR models/cuda/kernels/ptx/*.ptx
//
// Its principle is that a translator which does not know an instruction must say so:
// nothing is skipped. Names of folders that hold the images go into STANDIN_IMAGES.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed machine.h
var machine string

func main() {
	out := flag.String("out", "", "folder of the images, NAME.so")
	races := flag.Bool("races", false, "compare all accesses to memory: two without order between them fail the launch")
	flag.Parse()
	if *out == "" || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	for _, path := range flag.Args() {
		if err := build(path, *out, *races); err != nil {
			fmt.Fprintf(os.Stderr, "ptx: %s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

// build makes the image of one module, where it is older than the module or
// than this program.
func build(path, out string, races bool) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := translate(string(raw))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	name := filepath.Join(out, strings.TrimSuffix(filepath.Base(path), ".ptx"))
	text = machine + text
	if races {
		text = "#define RACES\n" + text
	}
	if old, err := os.ReadFile(name + ".cc"); err == nil && string(old) == text {
		if _, err := os.Stat(name + ".so"); err == nil {
			return nil
		}
	}
	os.Remove(name + ".so")
	if err := os.WriteFile(name+".cc", []byte(text), 0o666); err != nil {
		return err
	}
	compiler := os.Getenv("CXX")
	if compiler == "" {
		compiler = "g++"
	}
	cmd := exec.Command(compiler, "-std=c++17", "-O1", "-w", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fPIC", "-shared",
		"-o", name+".so.new", name+".cc")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, said)
	}
	return os.Rename(name+".so.new", name+".so")
}
