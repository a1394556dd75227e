module conformance

go 1.27

require wasmsc v0.0.0

replace wasmsc => ../../sdk-go
