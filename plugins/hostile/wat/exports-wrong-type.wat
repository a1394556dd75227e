;; The right name, the wrong type.
(component
  (core module $module (func (export "handle-mo") (param i32) (result i32) (local.get 0)))
  (core instance $instance (instantiate $module))
  (func $handle-mo (param "mo" u32) (result u32) (canon lift (core func $instance "handle-mo")))
  (instance $handler (export "handle-mo" (func $handle-mo)))
  (export "wasmsc:plugin/mo-handler@0.1.0" (instance $handler)))
