;; WebAssembly, but no component.
(module (func (export "handle-mo") (param i32) (result i32) (local.get 0)))
