;; The right name, the wrong type, of a handler that no rule must have.
(component
  (core module $module (func (export "handle-timer") (param i32) (result i32) (local.get 0)))
  (core instance $instance (instantiate $module))
  (func $handle-timer (param "timer" u32) (result u32) (canon lift (core func $instance "handle-timer")))
  (instance $handler (export "handle-timer" (func $handle-timer)))
  (export "wasmsc:plugin/timer-handler@0.1.0" (instance $handler)))
