package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// What a section of a WebAssembly module is, by its first octet.
const (
	sectionCustom = 0
	sectionExport = 7
)

// What `wasm-tools component new` takes the types of a module from.
const sectionName = "component-type:wasmsc-"

var errMalformed = errors.New("not a WebAssembly module as Go writes it")

// withTypes adds to a module the types of what it may import and of each handler that it exports.
func withTypes(module []byte) ([]byte, error) {
	exports, err := exportNames(module)
	if err != nil {
		return nil, err
	}
	out, err := withSection(bytes.Clone(module), "imports", importsType)
	if err != nil {
		return nil, err
	}
	handlers := 0
	for _, handler := range handlerTypes {
		if !exports[handler.export] {
			continue
		}
		handlers++
		if out, err = withSection(out, handler.name, handler.encoded); err != nil {
			return nil, err
		}
	}
	if handlers == 0 {
		return nil, errors.New("exports no handler: call onmo.Handle of wasmsc/onmo, or of another package wasmsc/on…, in an init function")
	}
	return out, nil
}

func withSection(module []byte, name, encoded string) ([]byte, error) {
	content, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("type of %s: %w", name, err)
	}
	name = sectionName + name
	body := binary.AppendUvarint(nil, uint64(len(name)))
	body = append(body, name...)
	body = append(body, content...)
	module = append(module, sectionCustom)
	module = binary.AppendUvarint(module, uint64(len(body)))
	return append(module, body...), nil
}

// exportNames reads the names of what a module exports (WebAssembly core specification, 5.5.10).
func exportNames(module []byte) (map[string]bool, error) {
	if len(module) < 8 || string(module[:4]) != "\x00asm" {
		return nil, errMalformed
	}
	names := map[string]bool{}
	for rest := module[8:]; len(rest) > 0; {
		kind := rest[0]
		body, after, ok := counted(rest[1:])
		if !ok {
			return nil, errMalformed
		}
		rest = after
		if kind != sectionExport {
			continue
		}
		count, n := binary.Uvarint(body)
		if n <= 0 {
			return nil, errMalformed
		}
		body = body[n:]
		for ; count > 0; count-- {
			name, after, ok := counted(body)
			if !ok || len(after) < 2 {
				return nil, errMalformed
			}
			_, n := binary.Uvarint(after[1:]) // behind the kind: the index
			if n <= 0 {
				return nil, errMalformed
			}
			names[string(name)], body = true, after[1+n:]
		}
	}
	return names, nil
}

// counted splits octets that begin with their length.
func counted(octets []byte) (body, rest []byte, ok bool) {
	length, n := binary.Uvarint(octets)
	if n <= 0 || length > uint64(len(octets)-n) {
		return nil, nil, false
	}
	end := n + int(length)
	return octets[n:end], octets[end:], true
}
