package wasmsc

import "time"

// MO is a message of a device.
type MO struct {
	// ID is the same on every attempt.
	ID string
	// Source is the device, Destination the number it wrote to.
	Source, Destination string
	// Text is what the message says; "" where it is binary.
	Text string
	// Binary has the octets of an 8-bit message; nil where it is a text.
	Binary     []byte
	ReceivedAt time.Time
}

// IsBinary tells an 8-bit message from a text.
func (mo MO) IsBinary() bool { return mo.Binary != nil }

// MessageState is what became of a message, as SMPP names it.
type MessageState uint8

// In the order of wit/plugin.wit.
const (
	Scheduled MessageState = iota
	Enroute
	Delivered
	Expired
	Deleted
	Undeliverable
	Accepted
	Unknown
	Rejected
	Skipped
)

var messageStates = [...]string{
	"scheduled", "enroute", "delivered", "expired", "deleted", "undeliverable", "accepted", "unknown", "rejected", "skipped",
}

func (state MessageState) String() string {
	if int(state) >= len(messageStates) {
		return "unknown"
	}
	return messageStates[state]
}

// Receipt says what became of a message that asked for it.
type Receipt struct {
	// MessageID is what Draft.Send returned.
	MessageID string
	// Tag of the draft, or "".
	Tag       string
	Recipient string
	State     MessageState
	// ErrorCode of the network, or "".
	ErrorCode string
	DoneAt    time.Time
}

// Timer is one that is due.
type Timer struct {
	Name    string
	DueAt   time.Time
	Payload []byte
}

// HTTPReply answers an HTTPRequest.
type HTTPReply struct {
	Tag string
	// Status is 0 where no answer came.
	Status int
	Body   []byte
}

// Request is what an application of the customer asks over REST.
type Request struct {
	// ID is the same on every attempt.
	ID string
	// Name is the last part of the path.
	Name string
	Body []byte
}

// Response answers a Request.
type Response struct {
	// Status is 200 to 299 or 400 to 499; 0 stands for 200, or 204 without a body.
	Status int
	// Body is JSON or nothing.
	Body []byte
}
