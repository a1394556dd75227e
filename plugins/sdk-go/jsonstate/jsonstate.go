// Package jsonstate keeps values in state as JSON. It is apart from wasmsc because encoding/json makes a component
// 1 MB larger.
package jsonstate

import (
	"encoding/json"
	"fmt"
)

// Store is wasmsc.State or wasmsc.Shared.
type Store interface {
	Get(key string) ([]byte, error)
	Set(key string, value []byte) error
}

// Get reads a value into what `into` points to, and returns false where the key is absent.
func Get(from Store, key string, into any) (bool, error) {
	value, err := from.Get(key)
	if err != nil || value == nil {
		return false, err
	}
	if err := json.Unmarshal(value, into); err != nil {
		return false, fmt.Errorf("state: %s: %w", key, err)
	}
	return true, nil
}

// Set writes a value.
func Set(to Store, key string, value any) error {
	octets, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("state: %s: %w", key, err)
	}
	return to.Set(key, octets)
}
