// Package ending knows how an error of a handler ends its event.
package ending

import (
	"errors"
	"fmt"
	"time"
)

// Retry asks for the event again.
type Retry struct {
	// After is nil for the host's back-off.
	After *time.Duration
}

func (r *Retry) Error() string {
	if r.After == nil {
		return "retry"
	}
	return fmt.Sprintf("retry after %v", *r.After)
}

// HostError is what a function of the host refused.
type HostError struct {
	// Case is the name that wit/plugin.wit gives it, such as "not-permitted".
	Case string
	// Why in words, where the host said so.
	Why string
	// What was asked, such as "state: set".
	What string
	// Transient errors may be gone at the next attempt.
	Transient bool
}

func (e *HostError) Error() string {
	if e.Why == "" {
		return e.What + ": " + e.Case
	}
	return e.What + ": " + e.Case + ": " + e.Why
}

// Of an error that is not nil: a retry with its milliseconds, below 0 for the host's back-off, or a reason to reject.
func Of(err error) (isRetry bool, milliseconds int64, reason string) {
	var again *Retry
	if errors.As(err, &again) {
		if again.After == nil {
			return true, -1, ""
		}
		return true, min(max(again.After.Milliseconds(), 0), 1<<32-1), ""
	}
	var host *HostError
	if errors.As(err, &host) && host.Transient {
		return true, -1, ""
	}
	return false, 0, err.Error()
}
