// Package onhttp exports the handler of the answer to an HTTP request.
package onhttp

import (
	"wasmsc"
	"wasmsc/internal/export"
)

var handler func(reply wasmsc.HTTPReply) error

// Handle names the handler. It belongs into an init function, since main does not run.
func Handle(function func(reply wasmsc.HTTPReply) error) { handler = function }

//go:wasmexport wasmsc:plugin/http-handler@0.1.0#handle-http-reply
func handle(tag uintptr, tagLength uint32, statusIs int32, status int32, body uintptr, bodyLength uint32) uintptr {
	reply := wasmsc.HTTPReply{Tag: export.Text(tag, tagLength), Body: export.Octets(body, bodyLength)}
	if statusIs != 0 {
		reply.Status = int(status)
	}
	return export.End(handler(reply))
}
