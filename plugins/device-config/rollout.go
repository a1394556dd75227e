package main

import (
	"fmt"
	"time"

	"device-config/protocol"
	"wasmsc"
	"wasmsc/jsonstate"
)

const (
	waveTimer = "wave"
	// The furthest wave looks again after this many times wave_check_seconds.
	distanceMax = 60
)

// rollout is what all devices of the rule share about one.
type rollout struct {
	Parameters protocol.Parameters `json:"parameters"`
	// Waves are the sizes of the first ones; the last size goes on.
	Waves []int `json:"waves"`
	// FailuresMaxPercent of the devices that are through: above it no further wave opens.
	FailuresMaxPercent int `json:"failures_max_percent"`
	// State is running, paused or cancelled.
	State string `json:"state"`
}

// waiting is a device's place in a roll-out.
type waiting struct {
	Rollout string `json:"rollout"`
	Wave    int    `json:"wave"`
}

// counts of a roll-out. Each is a shared integer that devices add to.
type counts struct {
	Enrolled  int64 `json:"enrolled"`
	Confirmed int64 `json:"confirmed"`
	Failed    int64 `json:"failed"`
}

func rolloutKey(name string) string { return "rollout/" + name }

func countKey(name, what string) string { return rolloutKey(name) + "/" + what }

func readRollout(name string) (*rollout, error) {
	found := &rollout{}
	is, err := jsonstate.Get(wasmsc.Shared, rolloutKey(name), found)
	if err != nil || !is {
		return nil, err
	}
	return found, nil
}

func readCounts(name string) (counts, error) {
	var found counts
	for what, into := range map[string]*int64{
		"enrolled":  &found.Enrolled,
		"confirmed": &found.Confirmed,
		"failed":    &found.Failed,
	} {
		value, err := wasmsc.Shared.Int(countKey(name, what))
		if err != nil {
			return counts{}, err
		}
		*into = value
	}
	return found, nil
}

// size of a wave.
func (r *rollout) size(wave int) int64 { return int64(r.Waves[min(wave, len(r.Waves)-1)]) }

// waveOf a device that was enrolled behind so many others.
func (r *rollout) waveOf(place int64) int {
	wave := 0
	for ; place >= r.size(wave); wave++ {
		place -= r.size(wave)
	}
	return wave
}

// openWave is the last one that may go: all devices of those before it are through.
func (r *rollout) openWave(c counts) int { return r.waveOf(c.Confirmed + c.Failed) }

// halted: too many devices failed.
func (r *rollout) halted(c counts) bool {
	return c.Failed*100 > int64(r.FailuresMaxPercent)*(c.Confirmed+c.Failed)
}

// enroll gives the device a place; it goes at once or when its wave opens.
func (d *device) enroll(s settings, name string, r *rollout) error {
	c, err := readCounts(name)
	if err != nil {
		return err
	}
	if err := wasmsc.Shared.Add(countKey(name, "enrolled"), 1); err != nil {
		return err
	}
	d.Waiting = &waiting{Rollout: name, Wave: r.waveOf(c.Enrolled)}
	return d.proceed(s, r, c)
}

// waveDue looks again whether the device's wave is open.
func (d *device) waveDue(s settings) error {
	if d.Waiting == nil {
		return nil
	}
	r, err := readRollout(d.Waiting.Rollout)
	if err != nil {
		return err
	}
	if r == nil || r.State == "cancelled" {
		d.Last = &ended{Verb: protocol.Set, Outcome: "cancelled", Why: "roll-out " + d.Waiting.Rollout, At: wasmsc.Now().UnixMilli()}
		d.Waiting = nil
		return nil
	}
	c, err := readCounts(d.Waiting.Rollout)
	if err != nil {
		return err
	}
	return d.proceed(s, r, c)
}

// proceed orders the roll-out's parameters, or sets the timer that looks again.
func (d *device) proceed(s settings, r *rollout, c counts) error {
	distance := d.Waiting.Wave - r.openWave(c)
	if distance <= 0 && r.State == "running" && !r.halted(c) {
		_, taken, err := d.order(s, protocol.Set, r.Parameters, d.Waiting.Rollout)
		if err != nil {
			return err
		}
		if taken {
			d.Waiting = nil
			return nil
		}
	}
	// Waves far ahead need not look as often.
	wait := s.waveCheck * time.Duration(min(max(1, distance), distanceMax))
	return wasmsc.SetTimer(waveTimer, wait, nil)
}

// count that a device is through, and tell the operator when this one halts the roll-out.
func count(s settings, name, outcome string) error {
	if outcome == "confirmed" {
		return wasmsc.Shared.Add(countKey(name, "confirmed"), 1)
	}
	r, err := readRollout(name)
	if err != nil || r == nil {
		return err
	}
	c, err := readCounts(name)
	if err != nil {
		return err
	}
	was := r.halted(c)
	c.Failed++
	if err := wasmsc.Shared.Add(countKey(name, "failed"), 1); err != nil {
		return err
	}
	if !was && r.halted(c) {
		tell(s, fmt.Sprintf("roll-out %s is halted: %d of %d devices failed", name, c.Failed, c.Confirmed+c.Failed))
	}
	return nil
}
