package protocol

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestCommandsHaveTheirParametersInOrder(t *testing.T) {
	text, err := Command(7, Set, Parameters{"REPORT": "60", "APN": "iot.example", "APN_PASSWORD": "50 % ö"})
	if err != nil || text != "DC1 7 SET APN=iot.example APN_PASSWORD=50%20%25%20%C3%B6 REPORT=60" {
		t.Errorf("%q %v", text, err)
	}
	if _, err := Command(7, Set, Parameters{"A": strings.Repeat("x", TextMax)}); err == nil {
		t.Error("a command of more than three SMS was written")
	}
}

func TestTextsOfDevicesAreRead(t *testing.T) {
	for text, want := range map[string]Said{
		"DC1 7 OK":                     {Kind: OK, Number: 7, Parameters: Parameters{}},
		" dc1  7 ok apn=a%20b REPORT=": {Kind: OK, Number: 7, Parameters: Parameters{"APN": "a b", "REPORT": ""}},
		"DC1 9999 ERR APN too long":    {Kind: Error, Number: 9999, Why: "APN too long"},
		"DC1 HELLO FW=1.2":             {Kind: Hello, Parameters: Parameters{"FW": "1.2"}},
	} {
		said, err := Parse(text)
		if err != nil || !reflect.DeepEqual(said, want) {
			t.Errorf("%q: %+v %v", text, said, err)
		}
	}
}

func TestOtherTextsAreRefused(t *testing.T) {
	for _, text := range []string{"DC1", "DC1 7", "DC1 x OK", "DC1 0 OK", "DC1 10000 OK", "DC1 7 YES", "DC1 7 OK APN", "DC1 7 OK 1A=b",
		"DC1 7 OK A=%4", "DC1 7 OK A=%zz", "DC1 7 OK A=%FF"} {
		if said, err := Parse(text); err == nil || errors.Is(err, ErrForeign) {
			t.Errorf("%q: %+v %v", text, said, err)
		}
	}
	for _, text := range []string{"", "hello", "DC2 7 OK"} {
		if _, err := Parse(text); !errors.Is(err, ErrForeign) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParametersAreChecked(t *testing.T) {
	if err := (Parameters{"APN": "", "REPORT_2": "x"}).Check(); err != nil {
		t.Error(err)
	}
	for _, wrong := range []Parameters{{}, {"apn": "x"}, {"": "x"}, {"2A": "x"}, {"ABCDEFGHIJKLMNOPQ": "x"}, {"A": "\xff"}} {
		if wrong.Check() == nil {
			t.Errorf("%v was taken", wrong)
		}
	}
}
