package wasmsc

import (
	"fmt"
	"time"

	outbox "wasmsc/internal/wasmsc_plugin_outbox"
	types "wasmsc/internal/wasmsc_plugin_types"
	witTypes "wasmsc/internal/wit/types"
)

// Reply answers the device, from the number it wrote to.
func Reply(text string) error { return sent(outbox.Reply(types.MakeBodyText(text))) }

// Replyf answers with what fmt.Sprintf makes.
func Replyf(format string, args ...any) error { return Reply(fmt.Sprintf(format, args...)) }

// ReplyBinary answers with 8-bit data.
func ReplyBinary(octets []byte) error { return sent(outbox.Reply(types.MakeBodyBinary(octets))) }

// Send writes to a device or another permitted address, from the number that Reply would use.
func Send(to, text string) error { return sent(outbox.Send(to, types.MakeBodyText(text))) }

// SendBinary sends 8-bit data.
func SendBinary(to string, octets []byte) error {
	return sent(outbox.Send(to, types.MakeBodyBinary(octets)))
}

// Priority of a draft; the zero value leaves it to the host.
type Priority uint8

// SMPP's 0 to 3.
const (
	PriorityBulk Priority = iota + 1
	PriorityNormal
	PriorityUrgent
	PriorityFirst
)

// TLVs are optional parameters by their tags, a vendor's: 0x1400 to 0x3FFF.
type TLVs map[uint16][]byte

// Draft is a message with options. What is left at its zero value is left to the host.
type Draft struct {
	To   string
	Text string
	// Binary instead of a text.
	Binary []byte
	// Sender is a number of the customer or one of its alphanumeric senders.
	Sender string
	// Tag comes back in the receipt; at most 64 octets.
	Tag string
	// Validity is how long delivery is tried, from when it may leave.
	Validity time.Duration
	// Delay before it may leave; at most 366 days.
	Delay    time.Duration
	Priority Priority
	// Receipt asks for the event of wasmsc/onreceipt.
	Receipt bool
	TLVs    TLVs
}

// Send sends the draft and returns the id of the message.
func (d Draft) Send() (string, error) {
	body := types.MakeBodyText(d.Text)
	if d.Binary != nil {
		body = types.MakeBodyBinary(d.Binary)
	}
	draft := outbox.MakeDraft(d.To, body)
	if d.Sender != "" {
		draft.SetSender(d.Sender)
	}
	if d.Tag != "" {
		draft.SetTag(d.Tag)
	}
	if d.Validity > 0 {
		draft.SetValidityMs(milliseconds(d.Validity))
	}
	if d.Delay > 0 {
		draft.SetDelayMs(milliseconds(d.Delay))
	}
	if d.Priority > 0 {
		draft.SetPriority(uint8(d.Priority - 1))
	}
	if d.Receipt {
		draft.RequestReceipt()
	}
	for tag, value := range d.TLVs {
		draft.SetTlv(tag, value)
	}
	outcome := outbox.DraftSend(draft)
	if err := sent(outcome); err != nil {
		return "", err
	}
	return outcome.Ok(), nil
}

func sent(outcome witTypes.Result[string, outbox.SendError]) error {
	if outcome.IsOk() {
		return nil
	}
	refused := outcome.Err()
	switch refused.Tag() {
	case outbox.SendError_NotPermitted:
		return &HostError{Case: "not-permitted", Why: refused.NotPermitted(), What: "send"}
	case outbox.SendError_InvalidAddress:
		return &HostError{Case: "invalid-address", What: "send"}
	case outbox.SendError_TooLong:
		return &HostError{Case: "too-long", What: "send"}
	case outbox.SendError_QuotaExceeded:
		return &HostError{Case: "quota-exceeded", What: "send"}
	default:
		return &HostError{Case: "other", Why: refused.Other(), What: "send"}
	}
}

func milliseconds(duration time.Duration) uint64 { return uint64(max(duration, 0).Milliseconds()) }
