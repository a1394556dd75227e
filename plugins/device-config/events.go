package main

import (
	"errors"
	"strconv"

	"device-config/protocol"
	"wasmsc"
)

func onMO(mo wasmsc.MO) error {
	said, err := protocol.Parse(mo.Text)
	if mo.IsBinary() || errors.Is(err, protocol.ErrForeign) {
		wasmsc.Log(wasmsc.LevelDebug, "not for this rule")
		return nil
	}
	if err != nil {
		// Never answered: a device that misunderstands the answer would go on for ever.
		wasmsc.Log(wasmsc.LevelWarn, err.Error())
		return nil
	}
	s, err := readSettings()
	if err != nil {
		return err
	}
	d, err := readDevice()
	if err != nil {
		return err
	}
	d.SeenAt = wasmsc.Now().UnixMilli()
	if err := d.heard(s, said); err != nil {
		return err
	}
	return d.write()
}

func (d *device) heard(s settings, said protocol.Said) error {
	if said.Kind == protocol.Hello {
		if len(said.Parameters) > 0 {
			d.Reported = said.Parameters
		}
		return d.woke(s)
	}
	if d.Pending == nil || d.Pending.Number != said.Number {
		// An answer that comes twice, or after the command was given up.
		wasmsc.Log(wasmsc.LevelDebug, "answers no pending command", "number", said.Number)
		return nil
	}
	if said.Kind == protocol.Error {
		return d.end(s, "refused", said.Why)
	}
	switch d.Pending.Verb {
	case protocol.Set:
		if d.Confirmed == nil {
			d.Confirmed = protocol.Parameters{}
		}
		for name, value := range d.Pending.Parameters {
			d.Confirmed[name] = value
		}
	case protocol.Query:
		d.Reported = said.Parameters
	}
	return d.end(s, "confirmed", "")
}

// woke sends what is pending at once to a device that can be reached now.
func (d *device) woke(s settings) error {
	if d.Pending == nil {
		return nil
	}
	if wasmsc.Now().UnixMilli()-d.Pending.SentAt < helloGuard.Milliseconds() {
		return nil
	}
	// The attempts before were made while it was away; this one takes none from it.
	d.Pending.Attempts--
	return d.send(s)
}

func onTimer(timer wasmsc.Timer) error {
	s, err := readSettings()
	if err != nil {
		return err
	}
	d, err := readDevice()
	if err != nil {
		return err
	}
	switch timer.Name {
	case ackTimer:
		if d.Pending == nil || strconv.Itoa(d.Pending.Number) != string(timer.Payload) {
			return nil
		}
		if d.Pending.Attempts >= s.attemptsMax {
			err = d.end(s, "unanswered", "after "+strconv.Itoa(d.Pending.Attempts)+" attempts")
		} else {
			err = d.send(s)
		}
	case waveTimer:
		err = d.waveDue(s)
	}
	if err != nil {
		return err
	}
	return d.write()
}
