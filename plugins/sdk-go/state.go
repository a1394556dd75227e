package wasmsc

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	shared "wasmsc/internal/wasmsc_plugin_shared_state"
	state "wasmsc/internal/wasmsc_plugin_state"
	types "wasmsc/internal/wasmsc_plugin_state_types"
	witTypes "wasmsc/internal/wit/types"
)

type result[T any] = witTypes.Result[T, types.StateError]

// store is one of the two kinds of state.
type store struct {
	name   string
	get    func(string) result[witTypes.Option[[]byte]]
	set    func(string, []byte) result[witTypes.Unit]
	delete func(string) result[witTypes.Unit]
	list   func(string, witTypes.Option[string]) result[types.KeyPage]
}

// DeviceState is the type of State.
type DeviceState struct{ store }

// SharedState is the type of Shared.
type SharedState struct{ store }

// State belongs to the device of the event, under this rule. A call reads its own writes.
var State = DeviceState{store{"state", state.Get, state.Set, state.Delete, state.ListKeys}}

// Shared belongs to all devices of the rule. What a call read is checked when it ends; on a conflict the host runs the
// call again from the start.
var Shared = SharedState{store{"shared state", shared.Get, shared.Set, shared.Delete, shared.ListKeys}}

// Get returns nil where the key is absent, and something else than nil where its value is empty.
func (s store) Get(key string) ([]byte, error) {
	value, err := of(s.name+": get", s.get(key))
	if err != nil || value.IsNone() {
		return nil, err
	}
	if octets := value.Some(); octets != nil {
		return octets, nil
	}
	return []byte{}, nil
}

// Set writes a value.
func (s store) Set(key string, value []byte) error {
	_, err := of(s.name+": set", s.set(key, value))
	return err
}

// Delete removes a key; one that is absent is none the worse for it.
func (s store) Delete(key string) error {
	_, err := of(s.name+": delete", s.delete(key))
	return err
}

// Text returns false where the key is absent.
func (s store) Text(key string) (string, bool, error) {
	value, err := s.Get(key)
	if err != nil || value == nil {
		return "", false, err
	}
	if !utf8.Valid(value) {
		return "", false, fmt.Errorf("%s: %s is no text", s.name, key)
	}
	return string(value), true, nil
}

// SetText writes a text.
func (s store) SetText(key, text string) error { return s.Set(key, []byte(text)) }

// Int returns 0 where the key is absent. Integers are 8 octets, little-endian.
func (s store) Int(key string) (int64, error) {
	value, err := s.Get(key)
	if err != nil || value == nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, fmt.Errorf("%s: %s is no integer", s.name, key)
	}
	return int64(binary.LittleEndian.Uint64(value)), nil
}

// SetInt writes an integer.
func (s store) SetInt(key string, value int64) error {
	return s.Set(key, binary.LittleEndian.AppendUint64(nil, uint64(value)))
}

// Keys that begin so, all of them, in octet order.
func (s store) Keys(prefix string) ([]string, error) {
	var keys []string
	cursor := witTypes.None[string]()
	for {
		page, err := of(s.name+": keys", s.list(prefix, cursor))
		if err != nil {
			return nil, err
		}
		keys = append(keys, page.Keys...)
		if page.Cursor.IsNone() {
			return keys, nil
		}
		cursor = page.Cursor
	}
}

// Increment adds to an integer, where an absent key counts as 0, and returns the sum.
func (DeviceState) Increment(key string, delta int64) (int64, error) {
	return of("state: increment", state.Increment(key, delta))
}

// Add adds to an integer without reading it, so that busy counters do not conflict. The sum wraps around.
func (SharedState) Add(key string, delta int64) error {
	_, err := of("shared state: add", shared.Add(key, delta))
	return err
}

func of[T any](what string, outcome result[T]) (T, error) {
	if outcome.IsOk() {
		return outcome.Ok(), nil
	}
	var none T
	refused := outcome.Err()
	switch refused.Tag() {
	case types.StateError_InvalidKey:
		return none, &HostError{Case: "invalid-key", What: what}
	case types.StateError_ValueTooLarge:
		return none, &HostError{Case: "value-too-large", What: what}
	case types.StateError_QuotaExceeded:
		return none, &HostError{Case: "quota-exceeded", What: what}
	default:
		return none, &HostError{Case: "other", Why: refused.Other(), What: what, Transient: true}
	}
}
