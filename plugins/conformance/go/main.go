// Command conformance does by command what a rule can do. The same commands exist in every language; ../cases says
// what each must do.
//
// Here are the events and the facts; state.go has what reads and writes, outgoing.go what sends.
package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"wasmsc"
	"wasmsc/onconfig"
	"wasmsc/onhttp"
	"wasmsc/onmo"
	"wasmsc/onreceipt"
	"wasmsc/onrequest"
	"wasmsc/ontimer"
)

func init() {
	onmo.Handle(onMO)
	onreceipt.Handle(onReceipt)
	ontimer.Handle(onTimer)
	onhttp.Handle(onReply)
	onrequest.Handle(onRequest)
	onconfig.Check(checkConfig)
}

func main() {}

func onMO(mo wasmsc.MO) error {
	if mo.IsBinary() {
		return wasmsc.ReplyBinary(mo.Binary)
	}
	verb, rest, _ := strings.Cut(mo.Text, " ")
	switch verb {
	case "COUNT", "SET", "GET", "DEL", "KEYS", "PARTIAL":
		return deviceState(verb, rest)
	case "SADD", "SSET", "SGET", "SDEL", "SKEYS":
		return sharedState(verb, rest)
	case "TIMER", "CANCEL", "DRAFT", "SEND", "HTTP":
		return outgoing(verb, rest)
	case "RETRY", "REJECT", "TRAP", "SPIN":
		return ending(verb, rest)
	case "GARBAGE":
		return garbage(rest)
	case "LOG":
		wasmsc.Log(wasmsc.LevelWarn, rest, "kind", "test")
		return wasmsc.Reply("ok")
	default:
		return facts(verb, rest)
	}
}

func onReceipt(receipt wasmsc.Receipt) error {
	tag := receipt.Tag
	if tag == "" {
		tag = "none"
	}
	return wasmsc.Replyf("receipt %s %v", tag, receipt.State)
}

func onTimer(timer wasmsc.Timer) error {
	return wasmsc.Replyf("timer %s %s", timer.Name, timer.Payload)
}

func onReply(reply wasmsc.HTTPReply) error {
	status := "none"
	if reply.Status != 0 {
		status = strconv.Itoa(reply.Status)
	}
	return wasmsc.Replyf("http %s %s", reply.Tag, status)
}

func onRequest(request wasmsc.Request) (wasmsc.Response, error) {
	switch request.Name {
	case "ping":
		return wasmsc.Response{Body: []byte(`{"pong":true}`)}, nil
	case "fail":
		return wasmsc.Response{}, wasmsc.Reject("no")
	default:
		return wasmsc.Response{Status: 404, Body: []byte("{}")}, nil
	}
}

func checkConfig() error {
	if _, bad := wasmsc.Config("bad"); bad {
		return errors.New("bad is set")
	}
	return nil
}

func ending(verb, rest string) error {
	switch verb {
	case "RETRY":
		if wasmsc.Attempt() == 1 {
			return wasmsc.Retry(1500 * time.Millisecond)
		}
		return wasmsc.Replyf("attempt %d", wasmsc.Attempt())
	case "REJECT":
		return wasmsc.Reject("%s", rest)
	case "TRAP":
		panic("asked to")
	default:
		for {
		}
	}
}

// garbage is the one command that other languages do not have: it makes so many times 10 kB of it between calls of the
// host, which a collection beside them would end.
func garbage(rest string) error {
	times, err := strconv.Atoi(rest)
	if err != nil {
		return err
	}
	for range times {
		kept = make([]byte, 10_000)
		wasmsc.Config("k")
	}
	return wasmsc.Replyf("%d", len(kept))
}

// Of the package, so that it is on the heap.
var kept []byte

func facts(verb, rest string) error {
	switch verb {
	case "ECHO":
		return wasmsc.Reply(rest)
	case "UTF8":
		return wasmsc.Reply("åäö€ Привет 😀")
	case "CONFIG":
		return wasmsc.Reply(orNone(wasmsc.Config(rest)))
	case "SECRET":
		secret, is := wasmsc.Secret(rest)
		return wasmsc.Reply(orNone(strconv.Itoa(utf8.RuneCountInString(secret)), is))
	case "RANDOM":
		return wasmsc.Replyf("%x", wasmsc.RandomBytes(16))
	case "FACTS":
		coding, is := wasmsc.DataCoding()
		return wasmsc.Replyf("%s %d %s %d", wasmsc.ID(), wasmsc.Attempt(), orNone(strconv.Itoa(int(coding)), is), wasmsc.Segments())
	case "TLV":
		tag, err := strconv.ParseUint(rest, 16, 16)
		if err != nil {
			return err
		}
		value, is := wasmsc.TLV(uint16(tag))
		return wasmsc.Reply(orNone(fmt.Sprintf("%x", value), is))
	case "DEVICE":
		attribute := orNone(wasmsc.Attribute(rest))
		return wasmsc.Replyf("%s %s %s", wasmsc.Device(), attribute, strings.Join(wasmsc.Tags(), ","))
	default:
		return wasmsc.Reply("?")
	}
}

func orNone(value string, is bool) string {
	if !is {
		return "none"
	}
	return value
}
