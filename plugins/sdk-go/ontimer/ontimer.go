// Package ontimer exports the handler of a timer that is due.
package ontimer

import (
	"wasmsc"
	"wasmsc/internal/export"
)

var handler func(timer wasmsc.Timer) error

// Handle names the handler. It belongs into an init function, since main does not run.
func Handle(function func(timer wasmsc.Timer) error) { handler = function }

//go:wasmexport wasmsc:plugin/timer-handler@0.1.0#handle-timer
func handle(name uintptr, nameLength uint32, dueAt int64, payload uintptr, payloadLength uint32) uintptr {
	return export.End(handler(wasmsc.Timer{
		Name:    export.Text(name, nameLength),
		DueAt:   export.Instant(dueAt),
		Payload: export.Octets(payload, payloadLength),
	}))
}
