// Command component builds a wasmsc rule in Go to a WebAssembly component.
//
//	go run wasmsc/cmd/component [-o rule.wasm] [package]
//
// It compiles the package for wasip1, looks which handlers the module exports (each package wasmsc/on… exports one),
// adds their types, and lets `wasm-tools component new` make a component of it. It needs go and wasm-tools.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// What Go's runtime asks of WASI preview 1, in terms of WASI 0.2. See adapter/README.md.
//
//go:embed adapter/wasi_snapshot_preview1.reactor.wasm
var adapter []byte

func main() {
	output := flag.String("o", "rule.wasm", "the component to write")
	tool := flag.String("wasm-tools", "wasm-tools", "the program wasm-tools")
	flag.Parse()
	if flag.NArg() > 1 {
		fail(fmt.Errorf("one package and no more; got %q", flag.Args()))
	}
	rule := "."
	if flag.NArg() == 1 {
		rule = flag.Arg(0)
	}
	if err := build(rule, *output, *tool); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "component:", err)
	os.Exit(1)
}

func build(rule, output, tool string) error {
	folder, err := os.MkdirTemp("", "wasmsc-component-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)

	module := filepath.Join(folder, "rule.core.wasm")
	if err := compile(rule, module); err != nil {
		return err
	}
	core, err := os.ReadFile(module)
	if err != nil {
		return err
	}
	core, err = withTypes(core)
	if err != nil {
		return fmt.Errorf("%s: %w", rule, err)
	}
	if err := os.WriteFile(module, core, 0o600); err != nil {
		return err
	}

	preview1 := filepath.Join(folder, "preview1.wasm")
	if err := os.WriteFile(preview1, adapter, 0o600); err != nil {
		return err
	}
	return run(exec.Command(tool, "component", "new", module, "--adapt", "wasi_snapshot_preview1="+preview1, "-o", output))
}

func compile(rule, module string) error {
	// Names for backtraces would add 40 %. The adapted runtime reaches for runtime.sbrk, which the linker allows only so.
	command := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w -checklinkname=0", "-o", module, rule)
	command.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if os.Getenv("GOEXPERIMENT") == "" {
		// The first encoding/json: components with the second are 1.2 MB larger.
		command.Env = append(command.Env, "GOEXPERIMENT=nojsonv2")
	}
	return run(command)
}

func run(command *exec.Cmd) error {
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(command.Path), err)
	}
	return nil
}
