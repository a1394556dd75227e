package main

import (
	"encoding/json"
	"fmt"
	"reflect"

	"device-config/protocol"
	"wasmsc"
	"wasmsc/jsonstate"
)

// refused is an answer that the application has to change its request for; nothing of the call is kept.
func refused(status int, format string, args ...any) (wasmsc.Response, error) {
	return answer(status, map[string]string{"error": fmt.Sprintf(format, args...)})
}

func answer(status int, body any) (wasmsc.Response, error) {
	octets, err := json.Marshal(body)
	return wasmsc.Response{Status: status, Body: octets}, err
}

func onRequest(request wasmsc.Request) (wasmsc.Response, error) {
	s, err := readSettings()
	if err != nil {
		return wasmsc.Response{}, err
	}
	d, err := readDevice()
	if err != nil {
		return wasmsc.Response{}, err
	}
	switch request.Name {
	case "configure":
		return d.configure(s, request.Body)
	case "reboot":
		return d.ordered(s, protocol.Reboot, nil)
	case "wake":
		return d.ordered(s, protocol.Wake, nil)
	case "query":
		return d.ordered(s, protocol.Query, nil)
	case "cancel":
		return d.cancel(s)
	case "status":
		return answer(200, d)
	case "rollout":
		return manage(s, request.Body)
	default:
		return refused(404, "no request %q; there are configure, reboot, wake, query, cancel, status and rollout", request.Name)
	}
}

func (d *device) configure(s settings, body []byte) (wasmsc.Response, error) {
	var wanted struct {
		Parameters protocol.Parameters `json:"parameters"`
		Rollout    string              `json:"rollout"`
	}
	if err := json.Unmarshal(body, &wanted); err != nil {
		return refused(400, "body: %v", err)
	}
	if wanted.Rollout == "" {
		if err := s.check(wanted.Parameters); err != nil {
			return refused(400, "%v", err)
		}
		return d.ordered(s, protocol.Set, wanted.Parameters)
	}
	if wanted.Parameters != nil {
		return refused(400, "parameters or rollout, not both")
	}
	if d.Waiting != nil {
		return refused(409, "the device waits for roll-out %s", d.Waiting.Rollout)
	}
	r, err := readRollout(wanted.Rollout)
	if err != nil {
		return wasmsc.Response{}, err
	}
	if r == nil || r.State == "cancelled" {
		return refused(404, "no roll-out %q", wanted.Rollout)
	}
	if err := d.enroll(s, wanted.Rollout, r); err != nil {
		return wasmsc.Response{}, err
	}
	if d.Waiting != nil {
		return d.written(map[string]any{"state": "waiting", "wave": d.Waiting.Wave})
	}
	return d.written(map[string]any{"state": d.stateOf(d.Number), "command": d.Number})
}

func (d *device) ordered(s settings, verb string, parameters protocol.Parameters) (wasmsc.Response, error) {
	c, taken, err := d.order(s, verb, parameters, "")
	if err != nil {
		return wasmsc.Response{}, err
	}
	if !taken {
		return refused(429, "%d commands wait already", len(d.Queue))
	}
	return d.written(map[string]any{"state": d.stateOf(c.Number), "command": c.Number})
}

func (d *device) stateOf(number int) string {
	if d.Pending.Number == number {
		return "sent"
	}
	return "queued"
}

// cancel gives up what is pending, queued and waiting.
func (d *device) cancel(s settings) (wasmsc.Response, error) {
	dropped := len(d.Queue)
	for _, c := range d.Queue {
		if c.Rollout != "" {
			if err := count(s, c.Rollout, "cancelled"); err != nil {
				return wasmsc.Response{}, err
			}
		}
	}
	d.Queue = nil
	if d.Pending != nil {
		dropped++
		if err := d.end(s, "cancelled", ""); err != nil {
			return wasmsc.Response{}, err
		}
	}
	if d.Waiting != nil {
		dropped++
		// It counts as failed, since the waves behind it wait for every place of its own.
		if err := count(s, d.Waiting.Rollout, "cancelled"); err != nil {
			return wasmsc.Response{}, err
		}
		d.Waiting = nil
		if _, err := wasmsc.CancelTimer(waveTimer); err != nil {
			return wasmsc.Response{}, err
		}
	}
	return d.written(map[string]any{"dropped": dropped})
}

func (d *device) written(body any) (wasmsc.Response, error) {
	if err := d.write(); err != nil {
		return wasmsc.Response{}, err
	}
	return answer(202, body)
}

// wish is what an application writes about a roll-out; what it leaves out stays as it is.
type wish struct {
	Name               string              `json:"name"`
	Parameters         protocol.Parameters `json:"parameters"`
	Waves              []int               `json:"waves"`
	FailuresMaxPercent *int                `json:"failures_max_percent"`
	State              string              `json:"state"`
}

func (w wish) check(s settings) error {
	if w.Name == "" || len(w.Name) > 64 {
		return fmt.Errorf("name: 1 to 64 octets")
	}
	if w.Waves != nil && len(w.Waves) == 0 {
		return fmt.Errorf("waves: none")
	}
	for _, size := range w.Waves {
		if size < 1 {
			return fmt.Errorf("waves: %d is no size", size)
		}
	}
	if w.FailuresMaxPercent != nil && (*w.FailuresMaxPercent < 0 || *w.FailuresMaxPercent > 100) {
		return fmt.Errorf("failures_max_percent: %d is not 0 to 100", *w.FailuresMaxPercent)
	}
	switch w.State {
	case "", "running", "paused", "cancelled":
	default:
		return fmt.Errorf("state: %q is none of running, paused, cancelled", w.State)
	}
	if w.Parameters != nil {
		return s.check(w.Parameters)
	}
	return nil
}

// manage begins a roll-out, changes one, or only tells how far it is.
func manage(s settings, body []byte) (wasmsc.Response, error) {
	var w wish
	if err := json.Unmarshal(body, &w); err != nil {
		return refused(400, "body: %v", err)
	}
	if err := w.check(s); err != nil {
		return refused(400, "%v", err)
	}
	r, err := readRollout(w.Name)
	if err != nil {
		return wasmsc.Response{}, err
	}
	if r == nil {
		if w.Parameters == nil {
			return refused(404, "no roll-out %q; one begins with parameters", w.Name)
		}
		r = &rollout{Parameters: w.Parameters, Waves: []int{1, 10, 100}, FailuresMaxPercent: 10, State: "running"}
		if w.Waves != nil {
			r.Waves = w.Waves
		}
	} else if w.Parameters != nil && !reflect.DeepEqual(w.Parameters, r.Parameters) {
		return refused(409, "roll-out %s has other parameters; begin one of another name", w.Name)
	}
	return change(r, w)
}

func change(r *rollout, w wish) (wasmsc.Response, error) {
	c, err := readCounts(w.Name)
	if err != nil {
		return wasmsc.Response{}, err
	}
	if w.Waves != nil {
		if c.Enrolled > 0 && !reflect.DeepEqual(w.Waves, r.Waves) {
			return refused(409, "roll-out %s has devices in its waves; their sizes stay", w.Name)
		}
		r.Waves = w.Waves
	}
	if w.FailuresMaxPercent != nil {
		r.FailuresMaxPercent = *w.FailuresMaxPercent
	}
	if w.State != "" {
		r.State = w.State
	}
	if err := jsonstate.Set(wasmsc.Shared, rolloutKey(w.Name), r); err != nil {
		return wasmsc.Response{}, err
	}
	return answer(200, struct {
		Name string `json:"name"`
		*rollout
		counts
		Wave   int  `json:"wave"`
		Halted bool `json:"halted"`
	}{w.Name, r, c, r.openWave(c), r.halted(c)})
}
