// Package wasmsc is for rules of wasmsc in Go.
//
//	package main
//
//	import (
//		"wasmsc"
//		"wasmsc/onmo"
//	)
//
//	func init() { onmo.Handle(hello) }
//
//	func hello(mo wasmsc.MO) error {
//		visits, err := wasmsc.State.Increment("visits", 1)
//		if err != nil {
//			return err
//		}
//		return wasmsc.Replyf("visit %d: you said %s", visits, mo.Text)
//	}
//
//	func main() {}
//
// Build it with `go run wasmsc/cmd/component -o rule.wasm`.
//
// The packages wasmsc/onmo, ontimer, onreceipt, onhttp, onrequest and onconfig export one handler each: a rule imports
// those of the events it handles, and the host calls no others. A handler's effects (messages, state, timers, HTTP)
// happen together when it returns nil, or not at all. Each event runs in a fresh instance, so what should outlive it
// goes into State.
package wasmsc
