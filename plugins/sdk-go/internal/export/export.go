// Package export turns what the component model hands to a handler into Go's values, and a handler's outcome back.
package export

import (
	"runtime"
	"runtime/debug"
	"time"
	"unsafe"

	"wasmsc/internal/ending"
)

// An instance lives for one event, so garbage is never collected. Beside the time that it takes, a collection has
// goroutines of its own: one that is under way when the host hands a value over asks WASI for the time or for sleep,
// which a component may not then ("cannot leave component instance").
func init() { debug.SetGCPercent(-1) }

// Text is a text that the host handed over.
func Text(pointer uintptr, length uint32) string {
	return unsafe.String((*byte)(unsafe.Pointer(pointer)), length)
}

// Octets are never nil.
func Octets(pointer uintptr, length uint32) []byte {
	if length == 0 {
		return []byte{}
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(pointer)), length)
}

// OptionalText is "" where there is none.
func OptionalText(is int32, pointer uintptr, length uint32) string {
	if is == 0 {
		return ""
	}
	return Text(pointer, length)
}

// Instant of milliseconds since 1970.
func Instant(milliseconds int64) time.Time { return time.UnixMilli(milliseconds).UTC() }

// returned is result<_, handler-error>, result<response, handler-error> or result<_, string> as the component model
// lays them out: a tag, then at offset 4 what the tag says.
type returned struct {
	isError uint8
	_       [3]uint8
	second  [4]uint8
	third   uint32
	fourth  uint32
}

// What the host reads must stay where it is until the instance ends.
var (
	area   returned
	pinner runtime.Pinner
)

func (r *returned) address() uintptr { return uintptr(unsafe.Pointer(r)) }

func pin(octets []byte) (pointer, length uint32) {
	if len(octets) == 0 {
		return 0, 0
	}
	data := unsafe.SliceData(octets)
	pinner.Pin(data)
	return uint32(uintptr(unsafe.Pointer(data))), uint32(len(octets))
}

// End of a handler that returns nothing but its error.
func End(err error) uintptr {
	area = returned{}
	if err == nil {
		return area.address()
	}
	area.isError = 1
	isRetry, milliseconds, reason := ending.Of(err)
	switch {
	case !isRetry:
		area.second[0] = 1
		area.third, area.fourth = pin([]byte(reason))
	case milliseconds >= 0:
		// An option: its tag is one octet.
		area.third, area.fourth = 1, uint32(milliseconds)
	}
	return area.address()
}

// EndRequest is End with a response.
func EndRequest(status int, body []byte, err error) uintptr {
	if err != nil {
		return End(err)
	}
	if status == 0 {
		status = 200
		if len(body) == 0 {
			status = 204
		}
	}
	area = returned{second: [4]uint8{uint8(status), uint8(status >> 8)}}
	area.third, area.fourth = pin(body)
	return area.address()
}

// EndCheck of a config.
func EndCheck(err error) uintptr {
	area = returned{}
	if err != nil {
		area.isError = 1
		pointer, length := pin([]byte(err.Error()))
		area.second = [4]uint8{uint8(pointer), uint8(pointer >> 8), uint8(pointer >> 16), uint8(pointer >> 24)}
		area.third = length
	}
	return area.address()
}
