;; Built against a contract with one more function than the host has. It has a mo-handler of a wrong type, too,
;; so that the import is not the only reason for which it cannot run.
(component
  (import "wasmsc:plugin/state@0.1.0" (instance
    (export "steal-from-another-device" (func (param "key" string) (result string)))))
  (core module $module (func (export "handle-mo") (param i32) (result i32) (local.get 0)))
  (core instance $instance (instantiate $module))
  (func $handle-mo (param "mo" u32) (result u32) (canon lift (core func $instance "handle-mo")))
  (instance $handler (export "handle-mo" (func $handle-mo)))
  (export "wasmsc:plugin/mo-handler@0.1.0" (instance $handler)))
