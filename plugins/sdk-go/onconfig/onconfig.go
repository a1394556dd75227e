// Package onconfig exports the check of a rule's config, which runs before the rule gets any event.
package onconfig

import "wasmsc/internal/export"

var check func() error

// Check names the function that says what is wrong with the config, to whoever wrote it. It belongs into an init
// function, since main does not run.
func Check(function func() error) { check = function }

//go:wasmexport wasmsc:plugin/config-check@0.1.0#check
func handle() uintptr {
	return export.EndCheck(check())
}
