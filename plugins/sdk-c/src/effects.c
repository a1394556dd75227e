/* Timers, HTTP and the log. */
#include <string.h>

#include "internal.h"

static wasmsc_status timer_status(bool ok, const wasmsc_plugin_timers_timer_error_t *error) {
    if (ok) return WASMSC_OK;
    wasmsc__set_why(NULL);
    switch (error->tag) {
    case WASMSC_PLUGIN_TIMERS_TIMER_ERROR_QUOTA_EXCEEDED: return WASMSC_QUOTA_EXCEEDED;
    case WASMSC_PLUGIN_TIMERS_TIMER_ERROR_TOO_FAR: return WASMSC_TOO_FAR;
    default: wasmsc__set_why(&error->val.other); return WASMSC_OTHER;
    }
}

wasmsc_status wasmsc_timer_set(const char *name, uint64_t delay_ms, const void *payload, size_t length) {
    imports_string_t text = wasmsc__out(name);
    imports_list_u8_t octets = {(uint8_t *)payload, length};
    wasmsc_plugin_timers_timer_error_t error;
    return timer_status(wasmsc_plugin_timers_set(&text, delay_ms, &octets, &error), &error);
}

wasmsc_status wasmsc_timer_set_text(const char *name, uint64_t delay_ms, const char *payload) {
    return wasmsc_timer_set(name, delay_ms, payload, strlen(payload));
}

wasmsc_status wasmsc_timer_cancel(const char *name, bool *was_set) {
    imports_string_t text = wasmsc__out(name);
    wasmsc_plugin_timers_timer_error_t error;
    bool was = false;
    bool ok = wasmsc_plugin_timers_cancel(&text, &was, &error);
    if (was_set != NULL) *was_set = was;
    return timer_status(ok, &error);
}

static imports_list_tuple2_string_string_t pairs(const wasmsc_pair *from, size_t count) {
    imports_tuple2_string_string_t *to = wasmsc__resize(NULL, (count + 1) * sizeof *to);
    for (size_t n = 0; n < count; n++)
        to[n] = (imports_tuple2_string_string_t){wasmsc__out(from[n].name), wasmsc__out(from[n].value)};
    return (imports_list_tuple2_string_string_t){to, count};
}

wasmsc_status wasmsc_http_submit(const wasmsc_http *http) {
    wasmsc_plugin_http_request_t request = {
        .method = wasmsc__out(http->method),
        .url = wasmsc__out(http->url),
        .headers = pairs(http->headers, http->header_count),
        .body = {http->body.octets != NULL, {(uint8_t *)http->body.octets, http->body.length}},
        .authorization = {http->authorization != NULL, {NULL, 0}},
        .tag = wasmsc__out(http->tag),
    };
    if (http->authorization != NULL) request.authorization.val = wasmsc__out(http->authorization);
    wasmsc_plugin_http_submit_error_t error;
    if (wasmsc_plugin_http_submit(&request, &error)) return WASMSC_OK;
    wasmsc__set_why(NULL);
    switch (error.tag) {
    case WASMSC_PLUGIN_HTTP_SUBMIT_ERROR_NOT_PERMITTED:
        wasmsc__set_why(&error.val.not_permitted);
        return WASMSC_NOT_PERMITTED;
    case WASMSC_PLUGIN_HTTP_SUBMIT_ERROR_TOO_LARGE: return WASMSC_TOO_LARGE;
    case WASMSC_PLUGIN_HTTP_SUBMIT_ERROR_QUOTA_EXCEEDED: return WASMSC_QUOTA_EXCEEDED;
    default: wasmsc__set_why(&error.val.other); return WASMSC_OTHER;
    }
}

void wasmsc_log(wasmsc_level level, const char *message, const wasmsc_pair *fields, size_t field_count) {
    imports_string_t text = wasmsc__out(message);
    imports_list_tuple2_string_string_t list = pairs(fields, field_count);
    wasmsc_plugin_log_log((wasmsc_plugin_log_level_t)level, &text, &list);
}

void wasmsc_logf(wasmsc_level level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *message = wasmsc__format(format, args);
    va_end(args);
    wasmsc_log(level, message, NULL, 0);
}
