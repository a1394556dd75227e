module wasmsc

go 1.27
