// Command {{name}} is a rule of wasmsc that counts what a device writes, and answers.
package main

import (
	"wasmsc"
	"wasmsc/onmo"
)

func init() { onmo.Handle(onMO) }

// Rules begin with their init functions.
func main() {}

func onMO(mo wasmsc.MO) error {
	if mo.IsBinary() {
		return wasmsc.Reject("binary messages are not understood")
	}
	greeting, is := wasmsc.Config("greeting")
	if !is {
		greeting = "hello"
	}
	visits, err := wasmsc.State.Increment("visits", 1)
	if err != nil {
		return err
	}
	return wasmsc.Replyf("%s, this is visit %d; you said %s", greeting, visits, mo.Text)
}
