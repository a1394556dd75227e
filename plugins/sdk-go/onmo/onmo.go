// Package onmo exports the handler of a message of a device.
package onmo

import (
	"wasmsc"
	"wasmsc/internal/export"
)

var handler func(mo wasmsc.MO) error

// Handle names the handler. It belongs into an init function, since main does not run.
func Handle(function func(mo wasmsc.MO) error) { handler = function }

//go:wasmexport wasmsc:plugin/mo-handler@0.1.0#handle-mo
func handle(id uintptr, idLength uint32, source uintptr, sourceLength uint32, destination uintptr, destinationLength uint32, isBinary int32, body uintptr, bodyLength uint32, receivedAt int64) uintptr {
	mo := wasmsc.MO{
		ID:          export.Text(id, idLength),
		Source:      export.Text(source, sourceLength),
		Destination: export.Text(destination, destinationLength),
		ReceivedAt:  export.Instant(receivedAt),
	}
	if isBinary == 0 {
		mo.Text = export.Text(body, bodyLength)
	} else {
		mo.Binary = export.Octets(body, bodyLength)
	}
	return export.End(handler(mo))
}
