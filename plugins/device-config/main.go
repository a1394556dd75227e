// Command device-config is a rule that sets parameters of devices by SMS and repeats a command until the device
// confirms it, for one device or for a fleet in waves. README.md has the protocol, the requests and the settings.
package main

import (
	"wasmsc"
	"wasmsc/onconfig"
	"wasmsc/onmo"
	"wasmsc/onrequest"
	"wasmsc/ontimer"
)

func init() {
	onmo.Handle(onMO)
	ontimer.Handle(onTimer)
	onrequest.Handle(onRequest)
	onconfig.Check(checkConfig)
}

func main() {}

func checkConfig() error {
	s, err := readSettings()
	if err != nil {
		return err
	}
	if s.operator == "" {
		wasmsc.Log(wasmsc.LevelInfo, "no operator is set: warnings go to the log only")
	}
	return nil
}
