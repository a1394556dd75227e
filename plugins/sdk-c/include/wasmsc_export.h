/* What exports a handler. wasmsc.h includes this; rules use its WASMSC_ON_… macros.
 *
 * An export is a function with the component model's flat parameters, and the type of its interface in a custom
 * section, so that `wasm-tools component new` needs no WIT file and the component exports what the rule has and nothing
 * else. Memory is never given back: the instance ends behind the handler. So there is no post-return function. */
#ifndef WASMSC_EXPORT_H
#define WASMSC_EXPORT_H

#include "wasmsc_types.h"

#define WASMSC__NAME(interface, function) \
    __attribute__((__export_name__("wasmsc:plugin/" interface "@0.1.0#" function)))

/* A text or a list of octets, as it comes. */
#define WASMSC__LIST(name) const char *name, size_t name##_length
#define WASMSC__TEXT(name) wasmsc__text(name, name##_length)
#define WASMSC__BYTES(name) wasmsc__bytes(name, name##_length)
#define WASMSC__OPTIONAL(name) (name##_is ? WASMSC__TEXT(name) : NULL)

#define WASMSC__EXPORT_MO(handler)                                                                           \
    __asm__(WASMSC__TYPE_MO);                                                                                \
    WASMSC__NAME("mo-handler", "handle-mo")                                                                  \
    const void *wasmsc__export_mo(WASMSC__LIST(id), WASMSC__LIST(source), WASMSC__LIST(destination),         \
                                  int32_t is_binary, WASMSC__LIST(body), int64_t received_at) {              \
        wasmsc_mo mo = {WASMSC__TEXT(id), WASMSC__TEXT(source), WASMSC__TEXT(destination),                   \
                        is_binary ? NULL : WASMSC__TEXT(body), is_binary ? 0 : body_length,                  \
                        is_binary ? WASMSC__BYTES(body) : (wasmsc_bytes){NULL, 0}, (uint64_t)received_at};   \
        wasmsc_on_mo *run = handler;                                                                         \
        return wasmsc__end(run(&mo));                                                                        \
    }

#define WASMSC__EXPORT_RECEIPT(handler)                                                                      \
    __asm__(WASMSC__TYPE_RECEIPT);                                                                           \
    WASMSC__NAME("receipt-handler", "handle-receipt")                                                        \
    const void *wasmsc__export_receipt(WASMSC__LIST(id), int32_t tag_is, WASMSC__LIST(tag),                  \
                                       WASMSC__LIST(recipient), int32_t state, int32_t error_is,             \
                                       WASMSC__LIST(error), int64_t done_at) {                               \
        wasmsc_receipt receipt = {WASMSC__TEXT(id), WASMSC__OPTIONAL(tag), WASMSC__TEXT(recipient),          \
                                  (wasmsc_message_state)state, WASMSC__OPTIONAL(error), (uint64_t)done_at};  \
        wasmsc_on_receipt *run = handler;                                                                    \
        return wasmsc__end(run(&receipt));                                                                   \
    }

#define WASMSC__EXPORT_TIMER(handler)                                                                        \
    __asm__(WASMSC__TYPE_TIMER);                                                                             \
    WASMSC__NAME("timer-handler", "handle-timer")                                                            \
    const void *wasmsc__export_timer(WASMSC__LIST(name), int64_t due_at, WASMSC__LIST(payload)) {            \
        wasmsc_timer timer = {WASMSC__TEXT(name), (uint64_t)due_at, WASMSC__BYTES(payload)};                 \
        wasmsc_on_timer *run = handler;                                                                      \
        return wasmsc__end(run(&timer));                                                                     \
    }

#define WASMSC__EXPORT_HTTP_REPLY(handler)                                                                   \
    __asm__(WASMSC__TYPE_HTTP_REPLY);                                                                        \
    WASMSC__NAME("http-handler", "handle-http-reply")                                                        \
    const void *wasmsc__export_http_reply(WASMSC__LIST(tag), int32_t status_is, int32_t status,              \
                                          WASMSC__LIST(body)) {                                              \
        wasmsc_http_reply reply = {WASMSC__TEXT(tag), status_is ? status : 0, WASMSC__BYTES(body)};          \
        wasmsc_on_http_reply *run = handler;                                                                 \
        return wasmsc__end(run(&reply));                                                                     \
    }

#define WASMSC__EXPORT_REQUEST(handler)                                                                      \
    __asm__(WASMSC__TYPE_REQUEST);                                                                           \
    WASMSC__NAME("request-handler", "handle-request")                                                        \
    const void *wasmsc__export_request(WASMSC__LIST(id), WASMSC__LIST(name), WASMSC__LIST(body)) {           \
        wasmsc_request request = {WASMSC__TEXT(id), WASMSC__TEXT(name), WASMSC__BYTES(body)};                \
        wasmsc_on_request *run = handler;                                                                    \
        return wasmsc__end_request(run(&request));                                                           \
    }

#define WASMSC__EXPORT_CONFIG_CHECK(handler)                                                                 \
    __asm__(WASMSC__TYPE_CONFIG_CHECK);                                                                      \
    WASMSC__NAME("config-check", "check")                                                                    \
    const void *wasmsc__export_config_check(void) {                                                          \
        wasmsc_on_config_check *run = handler;                                                               \
        return wasmsc__end_check(run());                                                                     \
    }

#endif
