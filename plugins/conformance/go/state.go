package main

import (
	"encoding/binary"
	"strconv"
	"strings"

	"wasmsc"
)

func deviceState(verb, rest string) error {
	switch verb {
	case "COUNT":
		sum, err := wasmsc.State.Increment("n", 1)
		return answer(strconv.FormatInt(sum, 10), err)
	case "SET":
		key, value, _ := strings.Cut(rest, " ")
		return answer("ok", wasmsc.State.SetText(key, value))
	case "GET":
		value, is, err := wasmsc.State.Text(rest)
		return answer(orNone(value, is), err)
	case "DEL":
		return answer("ok", wasmsc.State.Delete(rest))
	case "KEYS":
		keys, err := wasmsc.State.Keys(rest)
		return answer(joined(keys), err)
	default: // PARTIAL
		if err := wasmsc.State.SetText("p", "1"); err != nil {
			return err
		}
		if err := wasmsc.Reply("lost"); err != nil {
			return err
		}
		return wasmsc.Reject("partial")
	}
}

func sharedState(verb, rest string) error {
	key, value, _ := strings.Cut(rest, " ")
	switch verb {
	case "SADD":
		delta, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return err
		}
		return answer("ok", wasmsc.Shared.Add(key, delta))
	case "SSET":
		return answer("ok", wasmsc.Shared.SetText(key, value))
	case "SGET":
		value, err := wasmsc.Shared.Get(rest)
		if len(value) == 8 {
			return answer(strconv.FormatInt(int64(binary.LittleEndian.Uint64(value)), 10), err)
		}
		return answer(orNone(string(value), value != nil), err)
	case "SDEL":
		return answer("ok", wasmsc.Shared.Delete(rest))
	default: // SKEYS
		keys, err := wasmsc.Shared.Keys(rest)
		return answer(joined(keys), err)
	}
}

func joined(keys []string) string { return orNone(strings.Join(keys, ","), len(keys) > 0) }

func answer(text string, err error) error {
	if err != nil {
		return err
	}
	return wasmsc.Reply(text)
}
