package wasmsc

import (
	"errors"
	"fmt"
	"time"

	"wasmsc/internal/ending"
)

// Retry ends a handler without any effect; the event comes again after this time.
func Retry(after time.Duration) error { return &ending.Retry{After: &after} }

// RetryLater ends a handler without any effect; the event comes again after the host's back-off.
func RetryLater() error { return &ending.Retry{} }

// Reject ends a handler without any effect, for good; the event's owner is told why. Any error that is neither a retry
// nor a failure of the store does the same.
func Reject(format string, args ...any) error { return fmt.Errorf(format, args...) }

// HostError is what a function of the host refused.
type HostError = ending.HostError

// CaseOf is the case of a HostError, such as "not-permitted", or "".
func CaseOf(err error) string {
	var host *HostError
	if errors.As(err, &host) {
		return host.Case
	}
	return ""
}
