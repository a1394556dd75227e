package ending

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestErrorsEndEvents(t *testing.T) {
	second, past, year := time.Second, -time.Second, 365*24*time.Hour
	cases := []struct {
		err          error
		retry        bool
		milliseconds int64
		reason       string
	}{
		{&Retry{}, true, -1, ""},
		{&Retry{After: &second}, true, 1000, ""},
		{&Retry{After: &past}, true, 0, ""},
		{&Retry{After: &year}, true, 1<<32 - 1, ""},
		{fmt.Errorf("wrapped: %w", &Retry{}), true, -1, ""},
		{&HostError{Case: "other", Why: "busy", What: "state: get", Transient: true}, true, -1, ""},
		{&HostError{Case: "invalid-key", What: "state: get"}, false, 0, "state: get: invalid-key"},
		{errors.New("no"), false, 0, "no"},
	}
	for _, c := range cases {
		retry, milliseconds, reason := Of(c.err)
		if retry != c.retry || milliseconds != c.milliseconds || reason != c.reason {
			t.Errorf("%v: %v %v %q", c.err, retry, milliseconds, reason)
		}
	}
}
