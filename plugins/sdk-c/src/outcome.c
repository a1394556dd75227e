/* How handlers end, and what that is to the host. */
#include <string.h>

#include "internal.h"

/* The types of all that a rule may import; a component imports only what its rule uses. They are here because every
 * rule has this file. */
__asm__(WASMSC__TYPE_IMPORTS);

static const char *last_why = "";

static int32_t response_status = 204;
static const char *response_body = "";

void wasmsc__set_why(const imports_string_t *why) {
    last_why = why == NULL ? "" : wasmsc__text((const char *)why->ptr, why->len);
}

const char *wasmsc_why(void) { return last_why; }

static const char *const STATUS_NAMES[] = {
    [WASMSC_OK] = "ok",
    [WASMSC_NOT_PERMITTED] = "not-permitted",
    [WASMSC_INVALID_ADDRESS] = "invalid-address",
    [WASMSC_TOO_LONG] = "too-long",
    [WASMSC_QUOTA_EXCEEDED] = "quota-exceeded",
    [WASMSC_OTHER] = "other",
    [WASMSC_INVALID_KEY] = "invalid-key",
    [WASMSC_VALUE_TOO_LARGE] = "value-too-large",
    [WASMSC_TOO_FAR] = "too-far",
    [WASMSC_TOO_LARGE] = "too-large",
    [WASMSC_UNREADABLE] = "unreadable",
};

const char *wasmsc_status_name(wasmsc_status status) {
    if ((size_t)status >= sizeof STATUS_NAMES / sizeof *STATUS_NAMES) return "unknown";
    return STATUS_NAMES[status];
}

static const char *const STATE_NAMES[] = {
    "scheduled",     "enroute",  "delivered", "expired",  "deleted",
    "undeliverable", "accepted", "unknown",   "rejected", "skipped",
};

const char *wasmsc_message_state_name(wasmsc_message_state state) {
    if ((size_t)state >= sizeof STATE_NAMES / sizeof *STATE_NAMES) return "unknown";
    return STATE_NAMES[state];
}

wasmsc_outcome wasmsc_done(void) { return (wasmsc_outcome){.kind = WASMSC__DONE}; }

wasmsc_outcome wasmsc_retry(void) { return (wasmsc_outcome){.kind = WASMSC__RETRY, .retry_ms = -1}; }

wasmsc_outcome wasmsc_retry_after(uint32_t milliseconds) {
    return (wasmsc_outcome){.kind = WASMSC__RETRY, .retry_ms = milliseconds};
}

wasmsc_outcome wasmsc_reject(const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *reason = wasmsc__format(format, args);
    va_end(args);
    return (wasmsc_outcome){.kind = WASMSC__REJECT, .reason = reason};
}

wasmsc_outcome wasmsc_failed(wasmsc_status status, const char *what) {
    /* Only what the host has no case for may be otherwise next time; the rest is the rule's own doing. */
    if (status == WASMSC_OTHER && strncmp(what, "wasmsc_state_", 13) == 0) return wasmsc_retry();
    if (status == WASMSC_OTHER && strncmp(what, "wasmsc_shared_", 14) == 0) return wasmsc_retry();
    /* Of the call that WASMSC_TRY has as text, the function is enough. */
    int function = (int)strcspn(what, "(");
    return wasmsc_reject("%.*s: %s%s%s", function, what, wasmsc_status_name(status), *last_why ? ": " : "", last_why);
}

void wasmsc_respond(int status, const char *json) {
    response_status = status;
    response_body = json;
}

const char *wasmsc__text(const char *text, size_t length) { return length == 0 ? "" : text; }

wasmsc_bytes wasmsc__bytes(const void *octets, size_t length) {
    return (wasmsc_bytes){length == 0 ? (const uint8_t *)"" : octets, length};
}

/* result<_, handler-error> and result<response, handler-error> as the component model lays them out in memory. */
typedef struct {
    uint8_t is_error;
    union {
        struct {
            uint16_t status;
            const char *body;
            size_t body_length;
        } response;
        struct {
            uint8_t is_reject;
            union {
                struct {
                    uint8_t is_some;
                    uint32_t milliseconds;
                } retry;
                struct {
                    const char *text;
                    size_t length;
                } reason;
            };
        } error;
    };
} Returned;

_Static_assert(offsetof(Returned, error) == 4 && offsetof(Returned, error.retry.milliseconds) == 12, "canonical ABI");
_Static_assert(offsetof(Returned, response.body) == 8 && sizeof(Returned) == 16, "canonical ABI");

static Returned returned;

const void *wasmsc__end(wasmsc_outcome outcome) {
    returned.is_error = outcome.kind != WASMSC__DONE;
    if (outcome.kind == WASMSC__RETRY) {
        returned.error.is_reject = 0;
        returned.error.retry.is_some = outcome.retry_ms >= 0;
        returned.error.retry.milliseconds = (uint32_t)outcome.retry_ms;
    } else if (outcome.kind == WASMSC__REJECT) {
        returned.error.is_reject = 1;
        returned.error.reason.text = outcome.reason;
        returned.error.reason.length = strlen(outcome.reason);
    }
    return &returned;
}

const void *wasmsc__end_request(wasmsc_outcome outcome) {
    wasmsc__end(outcome);
    if (outcome.kind == WASMSC__DONE) {
        returned.response.status = (uint16_t)response_status;
        returned.response.body = response_body;
        returned.response.body_length = strlen(response_body);
    }
    return &returned;
}

/* result<_, string> */
static struct {
    uint8_t is_error;
    const char *text;
    size_t length;
} checked;

const void *wasmsc__end_check(const char *wrong) {
    checked.is_error = wrong != NULL;
    checked.text = wrong;
    checked.length = wrong == NULL ? 0 : strlen(wrong);
    return &checked;
}
