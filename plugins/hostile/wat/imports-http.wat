;; Asks for a piece of WASI that rules do not get.
(component
  (import "wasi:http/outgoing-handler@0.2.6" (instance
    (export "handle" (func (param "request" u32) (result u32))))))
