package wasmsc

import (
	"fmt"
	"time"

	http "wasmsc/internal/wasmsc_plugin_http"
	log "wasmsc/internal/wasmsc_plugin_log"
	timers "wasmsc/internal/wasmsc_plugin_timers"
	witTypes "wasmsc/internal/wit/types"
)

// SetTimer sets a one-shot timer of the device; one of this name is replaced.
func SetTimer(name string, after time.Duration, payload []byte) error {
	return timerError("timers: set", timers.Set(name, milliseconds(after), payload))
}

// CancelTimer tells whether the timer was set.
func CancelTimer(name string) (bool, error) {
	outcome := timers.Cancel(name)
	if err := timerError("timers: cancel", outcome); err != nil {
		return false, err
	}
	return outcome.Ok(), nil
}

func timerError[T any](what string, outcome witTypes.Result[T, timers.TimerError]) error {
	if outcome.IsOk() {
		return nil
	}
	refused := outcome.Err()
	switch refused.Tag() {
	case timers.TimerError_QuotaExceeded:
		return &HostError{Case: "quota-exceeded", What: what}
	case timers.TimerError_TooFar:
		return &HostError{Case: "too-far", What: what}
	default:
		return &HostError{Case: "other", Why: refused.Other(), What: what}
	}
}

// Header of an HTTP request.
type Header struct{ Name, Value string }

// HTTPRequest is made after the call's effects are stored; wasmsc/onhttp gets the answer.
type HTTPRequest struct {
	// Method is GET, POST, PUT, PATCH or DELETE.
	Method string
	// URL is of a host that the rule is granted.
	URL     string
	Headers []Header
	// Body is left out where it is nil.
	Body []byte
	// Authorization is the name of a secret that the host puts into that header.
	Authorization string
	Tag           string
}

// Submit hands the request to the host.
func (r HTTPRequest) Submit() error {
	request := http.Request{Method: r.Method, Url: r.URL, Tag: r.Tag}
	for _, header := range r.Headers {
		request.Headers = append(request.Headers, witTypes.Tuple2[string, string]{F0: header.Name, F1: header.Value})
	}
	request.Body, request.Authorization = witTypes.None[[]byte](), witTypes.None[string]()
	if r.Body != nil {
		request.Body = witTypes.Some(r.Body)
	}
	if r.Authorization != "" {
		request.Authorization = witTypes.Some(r.Authorization)
	}
	outcome := http.Submit(request)
	if outcome.IsOk() {
		return nil
	}
	refused := outcome.Err()
	switch refused.Tag() {
	case http.SubmitError_NotPermitted:
		return &HostError{Case: "not-permitted", Why: refused.NotPermitted(), What: "http"}
	case http.SubmitError_TooLarge:
		return &HostError{Case: "too-large", What: "http"}
	case http.SubmitError_QuotaExceeded:
		return &HostError{Case: "quota-exceeded", What: "http"}
	default:
		return &HostError{Case: "other", Why: refused.Other(), What: "http"}
	}
}

// Level of a log line.
type Level uint8

// In rising order.
const (
	LevelTrace Level = iota
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// Log writes a line, which stays even when the call's effects are discarded. Fields are names and their values in
// turns: Log(LevelWarn, "battery is low", "volts", 3.1).
func Log(level Level, message string, fields ...any) {
	var pairs []witTypes.Tuple2[string, string]
	for ; len(fields) > 0; fields = fields[min(2, len(fields)):] {
		value := ""
		if len(fields) > 1 {
			value = fmt.Sprint(fields[1])
		}
		pairs = append(pairs, witTypes.Tuple2[string, string]{F0: fmt.Sprint(fields[0]), F1: value})
	}
	log.Log(uint8(level), message, pairs)
}
