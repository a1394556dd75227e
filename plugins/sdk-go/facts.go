package wasmsc

import (
	"time"

	config "wasmsc/internal/wasmsc_plugin_config"
	device "wasmsc/internal/wasmsc_plugin_device"
	invocation "wasmsc/internal/wasmsc_plugin_invocation"
	witTypes "wasmsc/internal/wit/types"
)

// ID of the event, the same on every attempt.
func ID() string { return invocation.Id() }

// Attempt is 1 on the first one.
func Attempt() int { return int(invocation.Attempt()) }

// Now is the time of the event, the same on every attempt.
func Now() time.Time { return instant(invocation.Now()) }

// Remaining is the time until the host ends this call.
func Remaining() time.Duration { return time.Duration(invocation.RemainingMs()) * time.Millisecond }

// RandomBytes are the same on every attempt, and nobody outside can predict them. At most 1,024.
func RandomBytes(count int) []byte { return invocation.RandomBytes(uint32(count)) }

// DataCoding of the MO; false where the event is none.
func DataCoding() (byte, bool) { return optional(invocation.DataCoding()) }

// Segments is how many SMS the MO took; 0 where the event is none.
func Segments() int { return int(invocation.Segments()) }

// TLV is an optional parameter of the MO (SMPP 3.4, 5.3).
func TLV(tag uint16) ([]byte, bool) { return optional(invocation.Tlv(tag)) }

// Device is the number of the device that the event is about.
func Device() string { return device.Msisdn() }

// Attribute that the customer registered about the device.
func Attribute(key string) (string, bool) { return optional(device.Attribute(key)) }

// Tags that the customer registered about the device.
func Tags() []string { return device.Tags() }

// Config is a setting of the rule.
func Config(key string) (string, bool) { return optional(config.Get(key)) }

// Secret is a setting that is kept encrypted and never shown.
func Secret(name string) (string, bool) { return optional(config.Secret(name)) }

func optional[T any](option witTypes.Option[T]) (T, bool) {
	if option.IsSome() {
		return option.Some(), true
	}
	var none T
	return none, false
}

func instant(milliseconds uint64) time.Time { return time.UnixMilli(int64(milliseconds)).UTC() }
