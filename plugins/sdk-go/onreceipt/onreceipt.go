// Package onreceipt exports the handler of what became of a message that asked for a receipt.
package onreceipt

import (
	"wasmsc"
	"wasmsc/internal/export"
)

var handler func(receipt wasmsc.Receipt) error

// Handle names the handler. It belongs into an init function, since main does not run.
func Handle(function func(receipt wasmsc.Receipt) error) { handler = function }

//go:wasmexport wasmsc:plugin/receipt-handler@0.1.0#handle-receipt
func handle(id uintptr, idLength uint32, tagIs int32, tag uintptr, tagLength uint32, recipient uintptr, recipientLength uint32, state int32, errorIs int32, code uintptr, codeLength uint32, doneAt int64) uintptr {
	return export.End(handler(wasmsc.Receipt{
		MessageID: export.Text(id, idLength),
		Tag:       export.OptionalText(tagIs, tag, tagLength),
		Recipient: export.Text(recipient, recipientLength),
		State:     wasmsc.MessageState(state),
		ErrorCode: export.OptionalText(errorIs, code, codeLength),
		DoneAt:    export.Instant(doneAt),
	}))
}
