;; A component that nobody could call.
(component)
