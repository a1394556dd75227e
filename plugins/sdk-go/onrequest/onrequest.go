// Package onrequest exports the handler of what applications ask over REST.
package onrequest

import (
	"wasmsc"
	"wasmsc/internal/export"
)

var handler func(request wasmsc.Request) (wasmsc.Response, error)

// Handle names the handler. It belongs into an init function, since main does not run.
func Handle(function func(request wasmsc.Request) (wasmsc.Response, error)) { handler = function }

//go:wasmexport wasmsc:plugin/request-handler@0.1.0#handle-request
func handle(id uintptr, idLength uint32, name uintptr, nameLength uint32, body uintptr, bodyLength uint32) uintptr {
	response, err := handler(wasmsc.Request{
		ID:   export.Text(id, idLength),
		Name: export.Text(name, nameLength),
		Body: export.Octets(body, bodyLength),
	})
	return export.EndRequest(response.Status, response.Body, err)
}
