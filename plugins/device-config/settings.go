package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"device-config/protocol"
	"wasmsc"
)

const daySeconds = 24 * 60 * 60

// settings are the rule's config. README.md has them in a table.
type settings struct {
	retry       time.Duration
	attemptsMax int
	waveCheck   time.Duration
	operator    string
	// Names that may be set; nil: all.
	allowed map[string]bool
}

func readSettings() (settings, error) {
	retry, err := number("retry_seconds", 120, 10, daySeconds)
	if err != nil {
		return settings{}, err
	}
	attempts, err := number("attempts_max", 6, 1, 20)
	if err != nil {
		return settings{}, err
	}
	check, err := number("wave_check_seconds", 60, 10, daySeconds)
	if err != nil {
		return settings{}, err
	}
	found := settings{
		retry:       time.Duration(retry) * time.Second,
		attemptsMax: attempts,
		waveCheck:   time.Duration(check) * time.Second,
	}
	found.operator, _ = wasmsc.Config("operator")
	if names, is := wasmsc.Config("parameters"); is {
		found.allowed = map[string]bool{}
		for name := range strings.SplitSeq(names, ",") {
			name = strings.TrimSpace(name)
			if err := (protocol.Parameters{name: ""}).Check(); err != nil {
				return settings{}, fmt.Errorf("config parameters: %w", err)
			}
			found.allowed[name] = true
		}
	}
	return found, nil
}

func number(key string, normal, least, most int) (int, error) {
	text, is := wasmsc.Config(key)
	if !is {
		return normal, nil
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < least || value > most {
		return 0, fmt.Errorf("config %s: %q is no number from %d to %d", key, text, least, most)
	}
	return value, nil
}

// check says what is wrong with parameters that an application wants to set.
func (s settings) check(parameters protocol.Parameters) error {
	if err := parameters.Check(); err != nil {
		return err
	}
	for _, name := range parameters.Names() {
		if s.allowed != nil && !s.allowed[name] {
			return fmt.Errorf("parameter %s is not among the config's parameters", name)
		}
		if secret, is := strings.CutPrefix(parameters[name], secretPrefix); is {
			if _, known := wasmsc.Secret(secret); !known {
				return fmt.Errorf("parameter %s: the rule has no secret %q", name, secret)
			}
		}
	}
	// So that what is taken here can be sent later.
	_, err := protocol.Command(protocol.NumberMax, protocol.Set, revealed(parameters))
	return err
}

// secretPrefix begins a value that is kept as the name of a secret and put in only when it is sent.
const secretPrefix = "secret:"

func revealed(parameters protocol.Parameters) protocol.Parameters {
	out := protocol.Parameters{}
	for name, value := range parameters {
		if secret, is := strings.CutPrefix(value, secretPrefix); is {
			value, _ = wasmsc.Secret(secret)
		}
		out[name] = value
	}
	return out
}
