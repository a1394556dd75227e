// Package protocol reads and writes the texts between the service and its devices. It knows no state and no host.
package protocol

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Mark is the first word of every text.
const Mark = "DC1"

// What a service tells a device to do.
const (
	Set    = "SET"
	Query  = "QUERY"
	Wake   = "WAKE"
	Reboot = "REBOOT"
)

// NumberMax is the last number of a command; 1 follows.
const NumberMax = 9999

// TextMax is how long a command may be: three SMS of GSM 7-bit text.
const TextMax = 459

const (
	nameMax       = 16
	parametersMax = 32
)

// ErrForeign is a text that does not begin with Mark.
var ErrForeign = errors.New("no text of this protocol")

// Parameters of a device, by their names.
type Parameters map[string]string

// Kind of what a device says.
type Kind int

// What a device says.
const (
	OK Kind = iota
	Error
	Hello
)

// Said is a text of a device.
type Said struct {
	Kind Kind
	// Number of the command that it answers.
	Number int
	// Parameters that it reports.
	Parameters Parameters
	// Why it did not do what it was told.
	Why string
}

// Command writes what a device is told.
func Command(number int, verb string, parameters Parameters) (string, error) {
	words := []string{Mark, strconv.Itoa(number), verb}
	for _, name := range parameters.Names() {
		words = append(words, name+"="+escape(parameters[name]))
	}
	text := strings.Join(words, " ")
	if len(text) > TextMax {
		return "", fmt.Errorf("the command is %d characters, more than %d", len(text), TextMax)
	}
	return text, nil
}

// Names in order.
func (p Parameters) Names() []string {
	names := make([]string, 0, len(p))
	for name := range p {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Check says what is wrong with parameters that somebody wants to set.
func (p Parameters) Check() error {
	if len(p) == 0 {
		return errors.New("no parameters")
	}
	if len(p) > parametersMax {
		return fmt.Errorf("%d parameters, more than %d", len(p), parametersMax)
	}
	for _, name := range p.Names() {
		if err := checkName(name); err != nil {
			return err
		}
		if !utf8.ValidString(p[name]) {
			return fmt.Errorf("%s is no text", name)
		}
	}
	return nil
}

func checkName(name string) error {
	if name == "" || len(name) > nameMax {
		return fmt.Errorf("parameter %q: a name has 1 to %d characters", name, nameMax)
	}
	for n, c := range name {
		letter := c >= 'A' && c <= 'Z'
		if !letter && (n == 0 || (c != '_' && (c < '0' || c > '9'))) {
			return fmt.Errorf("parameter %q: a name has capital letters, digits and _, and begins with a letter", name)
		}
	}
	return nil
}

// Parse reads a text of a device. Case and the number of spaces do not matter.
func Parse(text string) (Said, error) {
	words := strings.Fields(text)
	if len(words) == 0 || !strings.EqualFold(words[0], Mark) {
		return Said{}, ErrForeign
	}
	if len(words) > 1 && strings.EqualFold(words[1], "HELLO") {
		parameters, err := parameters(words[2:])
		return Said{Kind: Hello, Parameters: parameters}, err
	}
	if len(words) < 3 {
		return Said{}, fmt.Errorf("%q lacks a number or what became of the command", text)
	}
	number, err := strconv.Atoi(words[1])
	if err != nil || number < 1 || number > NumberMax {
		return Said{}, fmt.Errorf("%q is no number of a command", words[1])
	}
	switch strings.ToUpper(words[2]) {
	case "OK":
		parameters, err := parameters(words[3:])
		return Said{Kind: OK, Number: number, Parameters: parameters}, err
	case "ERR":
		return Said{Kind: Error, Number: number, Why: strings.Join(words[3:], " ")}, nil
	}
	return Said{}, fmt.Errorf("%q is neither OK nor ERR", words[2])
}

func parameters(words []string) (Parameters, error) {
	if len(words) > parametersMax {
		return nil, fmt.Errorf("%d parameters, more than %d", len(words), parametersMax)
	}
	found := Parameters{}
	for _, word := range words {
		name, value, is := strings.Cut(word, "=")
		name = strings.ToUpper(name)
		if !is {
			return nil, fmt.Errorf("%q is no name=value", word)
		}
		if err := checkName(name); err != nil {
			return nil, err
		}
		plain, err := unescape(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		found[name] = plain
	}
	return found, nil
}

// escape writes what would end a word, and what not every alphabet of a network has, as %HH of its octets.
func escape(value string) string {
	var out strings.Builder
	for _, octet := range []byte(value) {
		if octet <= ' ' || octet == '%' || octet >= 0x7F {
			fmt.Fprintf(&out, "%%%02X", octet)
		} else {
			out.WriteByte(octet)
		}
	}
	return out.String()
}

func unescape(value string) (string, error) {
	var out strings.Builder
	for at := 0; at < len(value); at++ {
		if value[at] != '%' {
			out.WriteByte(value[at])
			continue
		}
		if at+2 >= len(value) {
			return "", fmt.Errorf("%q ends within %%HH", value)
		}
		octet, err := strconv.ParseUint(value[at+1:at+3], 16, 8)
		if err != nil {
			return "", fmt.Errorf("%q has a %% without two hexadecimal digits", value)
		}
		out.WriteByte(byte(octet))
		at += 2
	}
	if !utf8.ValidString(out.String()) {
		return "", fmt.Errorf("%q is no UTF-8", value)
	}
	return out.String(), nil
}
