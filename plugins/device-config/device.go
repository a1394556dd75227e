package main

import (
	"fmt"
	"strconv"
	"time"

	"device-config/protocol"
	"wasmsc"
	"wasmsc/jsonstate"
)

const (
	stateKey     = "device"
	stateVersion = 1
	ackTimer     = "ack"
	// More commands than this behind the one on its way are a mistake of the application.
	queueMax = 8
	// A device that says HELLO again and again does not get a command for each.
	helloGuard = 30 * time.Second
)

// device is what the rule keeps of one.
type device struct {
	Version int `json:"v"`
	// Number of the last command.
	Number int `json:"number"`
	// Pending is the command that waits for its answer; Queue those behind it.
	Pending *command  `json:"pending,omitempty"`
	Queue   []command `json:"queue,omitempty"`
	// Waiting is the roll-out whose wave is not open yet.
	Waiting *waiting `json:"waiting,omitempty"`
	// Last command that ended.
	Last *ended `json:"last,omitempty"`
	// Confirmed is what the device confirmed to have set, Reported what it says it has.
	Confirmed protocol.Parameters `json:"confirmed,omitempty"`
	Reported  protocol.Parameters `json:"reported,omitempty"`
	SeenAt    int64               `json:"seen_at,omitempty"`
}

type command struct {
	Number     int                 `json:"number"`
	Verb       string              `json:"verb"`
	Parameters protocol.Parameters `json:"parameters,omitempty"`
	Rollout    string              `json:"rollout,omitempty"`
	Attempts   int                 `json:"attempts"`
	SentAt     int64               `json:"sent_at,omitempty"`
}

type ended struct {
	Number int    `json:"number"`
	Verb   string `json:"verb"`
	// Outcome is confirmed, refused, unanswered or cancelled.
	Outcome string `json:"outcome"`
	Why     string `json:"why,omitempty"`
	At      int64  `json:"at"`
}

func readDevice() (*device, error) {
	found := &device{}
	is, err := jsonstate.Get(wasmsc.State, stateKey, found)
	if err != nil {
		return nil, err
	}
	if is && found.Version != stateVersion {
		return nil, fmt.Errorf("state %s has version %d, this rule knows %d", stateKey, found.Version, stateVersion)
	}
	found.Version = stateVersion
	return found, nil
}

func (d *device) write() error { return jsonstate.Set(wasmsc.State, stateKey, d) }

// order takes a command in: it leaves now or behind those that are under way. False: there are too many.
func (d *device) order(s settings, verb string, parameters protocol.Parameters, rollout string) (*command, bool, error) {
	if d.Pending != nil && len(d.Queue) >= queueMax {
		return nil, false, nil
	}
	d.Number = d.Number%protocol.NumberMax + 1
	ordered := command{Number: d.Number, Verb: verb, Parameters: parameters, Rollout: rollout}
	if d.Pending != nil {
		d.Queue = append(d.Queue, ordered)
		return &ordered, true, nil
	}
	d.Pending = &ordered
	return &ordered, true, d.send(s)
}

// send sends the pending command and sets the timer that sends it again.
func (d *device) send(s settings) error {
	c := d.Pending
	text, err := protocol.Command(c.Number, c.Verb, revealed(c.Parameters))
	if err != nil {
		return err
	}
	wait := backOff(s.retry, c.Attempts)
	c.Attempts++
	c.SentAt = wasmsc.Now().UnixMilli()
	// A command that is late would arrive beside its repetition.
	_, err = wasmsc.Draft{To: wasmsc.Device(), Text: text, Tag: "dc-" + strconv.Itoa(c.Number), Validity: wait}.Send()
	if err != nil {
		return err
	}
	return wasmsc.SetTimer(ackTimer, wait, []byte(strconv.Itoa(c.Number)))
}

// backOff doubles with each attempt, up to a day.
func backOff(first time.Duration, attempts int) time.Duration {
	wait := first
	for range attempts {
		wait = min(2*wait, daySeconds*time.Second)
	}
	return wait
}

// end of the pending command; the next of the queue leaves.
func (d *device) end(s settings, outcome, why string) error {
	c := d.Pending
	d.Last = &ended{Number: c.Number, Verb: c.Verb, Outcome: outcome, Why: why, At: wasmsc.Now().UnixMilli()}
	d.Pending = nil
	if _, err := wasmsc.CancelTimer(ackTimer); err != nil {
		return err
	}
	if c.Rollout != "" {
		if err := count(s, c.Rollout, outcome); err != nil {
			return err
		}
	}
	if outcome == "refused" || outcome == "unanswered" {
		tell(s, fmt.Sprintf("%s: command %d %s %s %s", wasmsc.Device(), c.Number, c.Verb, outcome, why))
	}
	if len(d.Queue) == 0 {
		return nil
	}
	next := d.Queue[0]
	d.Queue = d.Queue[1:]
	d.Pending = &next
	return d.send(s)
}

// tell warns in the log, and the operator where there is one that can be reached.
func tell(s settings, text string) {
	if s.operator != "" {
		err := wasmsc.Send(s.operator, text)
		if err == nil {
			return
		}
		text += " (operator: " + err.Error() + ")"
	}
	wasmsc.Log(wasmsc.LevelWarn, text)
}
