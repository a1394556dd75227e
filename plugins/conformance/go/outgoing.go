package main

import (
	"strconv"
	"strings"
	"time"

	"wasmsc"
)

func outgoing(verb, rest string) error {
	switch verb {
	case "TIMER":
		return timer(rest)
	case "CANCEL":
		was, err := wasmsc.CancelTimer(rest)
		return answer(strconv.FormatBool(was), err)
	case "DRAFT":
		_, err := wasmsc.Draft{
			To:       wasmsc.Device(),
			Text:     "draft",
			Sender:   "7001",
			Tag:      "t1",
			Validity: time.Minute,
			Delay:    time.Second,
			Priority: wasmsc.PriorityUrgent,
			Receipt:  true,
			TLVs:     wasmsc.TLVs{0x1400: {1, 2, 3}},
		}.Send()
		return err
	case "SEND":
		to, text, _ := strings.Cut(rest, " ")
		if refused := wasmsc.CaseOf(wasmsc.Send(to, text)); refused != "" {
			return wasmsc.Reply(refused)
		}
		return nil
	default: // HTTP
		err := wasmsc.HTTPRequest{
			Method:        "POST",
			URL:           rest,
			Headers:       []wasmsc.Header{{Name: "x-test", Value: "1"}},
			Body:          []byte("hello"),
			Authorization: "token",
			Tag:           "h1",
		}.Submit()
		if err != nil {
			return wasmsc.Reply(wasmsc.CaseOf(err))
		}
		return wasmsc.Reply("ok")
	}
}

func timer(rest string) error {
	name, rest, _ := strings.Cut(rest, " ")
	delay, payload, _ := strings.Cut(rest, " ")
	milliseconds, err := strconv.ParseInt(delay, 10, 64)
	if err != nil {
		return err
	}
	return answer("ok", wasmsc.SetTimer(name, time.Duration(milliseconds)*time.Millisecond, []byte(payload)))
}
