;; Asks for an interface that nobody gives.
(component
  (import "evil:host/steal@1.0.0" (instance
    (export "steal" (func (param "key" string) (result string))))))
