package runtime

import "unsafe"

// Memory for what the host hands over. It is no memory of Go's heap: taking some there may begin a collection of
// garbage, which asks WASI for the time, which a component may not while the host hands a value over ("cannot leave
// component instance"). It is never given back, since an instance lives for one event.

// Enough for most events, without growing the memory.
var first [16 << 10]byte

// What is left of the chunk in use.
var next, end uintptr

//go:linkname sbrk runtime.sbrk
func sbrk(n uintptr) unsafe.Pointer

// sbrk gives whole pages of WebAssembly.
const pageOctets = 64 << 10

//go:wasmexport cabi_realloc
func cabiRealloc(oldPointer unsafe.Pointer, oldSize, align, newSize uintptr) unsafe.Pointer {
	if oldPointer != nil || oldSize != 0 {
		// Only texts in other encodings than UTF-8 would grow.
		panic("the host wants to move what it handed over")
	}
	if end == 0 {
		next = uintptr(unsafe.Pointer(&first))
		end = next + uintptr(len(first))
	}
	start := (next + align - 1) &^ (align - 1)
	if start+newSize > end || start+newSize < start {
		chunk := sbrk(newSize)
		if chunk == nil {
			panic("out of memory")
		}
		start = uintptr(chunk)
		end = start + (newSize+pageOctets-1)&^(pageOctets-1)
	}
	next = start + newSize
	return unsafe.Pointer(start)
}
