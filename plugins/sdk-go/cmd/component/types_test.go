package main

import (
	"bytes"
	"strings"
	"testing"
)

// A module whose only section exports these functions.
func module(exports ...string) []byte {
	section := []byte{byte(len(exports))}
	for n, name := range exports {
		section = append(section, byte(len(name)))
		section = append(section, name...)
		section = append(section, 0, byte(n))
	}
	out := append([]byte("\x00asm\x01\x00\x00\x00"), sectionExport, byte(len(section)))
	return append(out, section...)
}

func TestTypesOfWhatIsExportedAreAdded(t *testing.T) {
	out, err := withTypes(module("memory", "wasmsc:plugin/timer-handler@0.1.0#handle-timer"))
	if err != nil {
		t.Fatal(err)
	}
	for name, wanted := range map[string]bool{"imports": true, "timer": true, "mo": false, "receipt": false} {
		if bytes.Contains(out, []byte(sectionName+name)) != wanted {
			t.Errorf("type of %s: wanted %v", name, wanted)
		}
	}
}

func TestModuleWithoutHandlerIsRefused(t *testing.T) {
	_, err := withTypes(module("memory"))
	if err == nil || !strings.Contains(err.Error(), "exports no handler") {
		t.Errorf("got %v", err)
	}
}

func TestCutModulesAreRefused(t *testing.T) {
	whole := module("wasmsc:plugin/mo-handler@0.1.0#handle-mo")
	for length := range whole {
		// Only the header is a module by itself: an empty one.
		if _, err := exportNames(whole[:length]); err == nil && length != 8 {
			t.Errorf("%d octets of %d were taken", length, len(whole))
		}
	}
}
