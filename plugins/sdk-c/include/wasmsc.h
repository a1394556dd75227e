/* Write wasmsc rules in C: a function for each kind of event, and one macro that exports it.
 *
 *     #include "wasmsc.h"
 *
 *     static wasmsc_outcome on_mo(const wasmsc_mo *mo) {
 *         int64_t visits;
 *         WASMSC_TRY(wasmsc_state_increment("visits", 1, &visits));
 *         WASMSC_TRY(wasmsc_replyf("visit %lld: you said %s", (long long)visits, mo->text));
 *         return wasmsc_done();
 *     }
 *     WASMSC_ON_MO(on_mo)
 *
 * Each event runs in a fresh instance, which goes away with all its memory when the handler returns. So nothing that
 * these functions return needs to be freed, and what should outlive an event goes into state. All effects of an event
 * happen together when its handler returns wasmsc_done(), or not at all.
 *
 * Text is UTF-8 and ends with a zero octet. wit/plugin.wit says what each function of the host means; README.md how to
 * build. */
#ifndef WASMSC_H
#define WASMSC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wasmsc_export.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WASMSC_FORMAT(format, first) __attribute__((__format__(__printf__, format, first)))

/* ---- values ---------------------------------------------------------------------------------------------------- */

/* Octets of any value. `octets` is NULL where there is no value, and never NULL where there is an empty one. */
typedef struct {
    const uint8_t *octets;
    size_t length;
} wasmsc_bytes;

/* A list of texts: keys, tags. */
typedef struct {
    const char *const *items;
    size_t count;
} wasmsc_texts;

/* What a function of the host answered. Each error has the name that it has in wit/plugin.wit. */
typedef enum {
    WASMSC_OK = 0,
    WASMSC_NOT_PERMITTED,
    WASMSC_INVALID_ADDRESS,
    WASMSC_TOO_LONG,
    WASMSC_QUOTA_EXCEEDED,
    WASMSC_OTHER,
    WASMSC_INVALID_KEY,
    WASMSC_VALUE_TOO_LARGE,
    WASMSC_TOO_FAR,
    WASMSC_TOO_LARGE,
    /* Of this library: the stored value is not of the asked type. */
    WASMSC_UNREADABLE,
} wasmsc_status;

/* "not-permitted", "ok". */
const char *wasmsc_status_name(wasmsc_status status);
/* What the host said about the last error, or "". */
const char *wasmsc_why(void);

/* How a handler ends. Made by the four functions below. */
typedef struct {
    enum { WASMSC__DONE, WASMSC__RETRY, WASMSC__REJECT } kind;
    /* Milliseconds; below 0: the host's back-off. */
    int64_t retry_ms;
    const char *reason;
} wasmsc_outcome;

/* Every effect of the event is stored at once. */
wasmsc_outcome wasmsc_done(void);
/* No effect happens, and the event comes again: after the host's back-off, or after so many milliseconds. */
wasmsc_outcome wasmsc_retry(void);
wasmsc_outcome wasmsc_retry_after(uint32_t milliseconds);
/* No effect happens, and the event does not come again; its owner is told the reason. */
wasmsc_outcome wasmsc_reject(const char *format, ...) WASMSC_FORMAT(1, 2);
/* For an error of the host: a retry where the store may come back, else a reject that says what was refused. */
wasmsc_outcome wasmsc_failed(wasmsc_status status, const char *what);

/* Ends the handler where `call` fails. */
#define WASMSC_TRY(call)                                             \
    do {                                                             \
        wasmsc_status wasmsc__status = (call);                       \
        if (wasmsc__status != WASMSC_OK)                             \
            return wasmsc_failed(wasmsc__status, #call);             \
    } while (0)

/* Text as printf makes it, of any length. Knows %s %.*s %c %d %i %u %x %X %p %% with 0, width, l, ll, z and j; no
 * floating point, which would double the size of a small rule. */
char *wasmsc_format(const char *format, ...) WASMSC_FORMAT(1, 2);

/* ---- events ---------------------------------------------------------------------------------------------------- */

typedef struct {
    /* The same on every attempt. */
    const char *id;
    /* The device, and the number that it wrote to. */
    const char *source;
    const char *destination;
    /* NULL where the message is binary. A text may have zero octets in it: then it is longer than strlen says. */
    const char *text;
    size_t text_length;
    /* NULL in `octets` where the message is a text. */
    wasmsc_bytes binary;
    uint64_t received_at;
} wasmsc_mo;

/* The message states of SMPP, in the order of wit/plugin.wit. */
typedef enum {
    WASMSC_SCHEDULED,
    WASMSC_ENROUTE,
    WASMSC_DELIVERED,
    WASMSC_EXPIRED,
    WASMSC_DELETED,
    WASMSC_UNDELIVERABLE,
    WASMSC_ACCEPTED,
    WASMSC_UNKNOWN,
    WASMSC_REJECTED,
    WASMSC_SKIPPED,
} wasmsc_message_state;

/* "delivered". */
const char *wasmsc_message_state_name(wasmsc_message_state state);

typedef struct {
    const char *message_id;
    /* NULL where the message had none. */
    const char *tag;
    const char *recipient;
    wasmsc_message_state state;
    /* NULL where there was no error. */
    const char *error_code;
    uint64_t done_at;
} wasmsc_receipt;

typedef struct {
    const char *name;
    uint64_t due_at;
    wasmsc_bytes payload;
} wasmsc_timer;

typedef struct {
    const char *tag;
    /* An HTTP status; 0 where no answer came. */
    int status;
    wasmsc_bytes body;
} wasmsc_http_reply;

typedef struct {
    const char *id;
    const char *name;
    wasmsc_bytes body;
} wasmsc_request;

/* What the application that asked gets, if the handler ends with wasmsc_done(): a status of 200 to 299 or 400 to 499,
 * and JSON or "". Without it the answer is 204 and nothing. */
void wasmsc_respond(int status, const char *json);

typedef wasmsc_outcome wasmsc_on_mo(const wasmsc_mo *mo);
typedef wasmsc_outcome wasmsc_on_receipt(const wasmsc_receipt *receipt);
typedef wasmsc_outcome wasmsc_on_timer(const wasmsc_timer *timer);
typedef wasmsc_outcome wasmsc_on_http_reply(const wasmsc_http_reply *reply);
typedef wasmsc_outcome wasmsc_on_request(const wasmsc_request *request);
/* NULL where the config is right, else what is wrong with it. */
typedef const char *wasmsc_on_config_check(void);

/* For the macros. */
const char *wasmsc__text(const char *text, size_t length);
wasmsc_bytes wasmsc__bytes(const void *octets, size_t length);
const void *wasmsc__end(wasmsc_outcome outcome);
const void *wasmsc__end_request(wasmsc_outcome outcome);
const void *wasmsc__end_check(const char *wrong);

/* Each exports one handler, once in a rule, in any of its files. What is not exported the host does not call. */
#define WASMSC_ON_MO(handler) WASMSC__EXPORT_MO(handler)
#define WASMSC_ON_RECEIPT(handler) WASMSC__EXPORT_RECEIPT(handler)
#define WASMSC_ON_TIMER(handler) WASMSC__EXPORT_TIMER(handler)
#define WASMSC_ON_HTTP_REPLY(handler) WASMSC__EXPORT_HTTP_REPLY(handler)
#define WASMSC_ON_REQUEST(handler) WASMSC__EXPORT_REQUEST(handler)
#define WASMSC_ON_CONFIG_CHECK(handler) WASMSC__EXPORT_CONFIG_CHECK(handler)

/* ---- facts of this event --------------------------------------------------------------------------------------- */

const char *wasmsc_event_id(void);
uint32_t wasmsc_attempt(void);
/* Milliseconds since 1970, the same on every attempt. */
uint64_t wasmsc_now(void);
uint32_t wasmsc_remaining_ms(void);
/* At most 1,024. */
wasmsc_bytes wasmsc_random(uint32_t count);
/* Below 0 where the event is no MO. */
int wasmsc_data_coding(void);
uint32_t wasmsc_segments(void);
wasmsc_bytes wasmsc_tlv(uint16_t tag);

const char *wasmsc_device(void);
/* NULL where nobody registered it. */
const char *wasmsc_device_attribute(const char *key);
wasmsc_texts wasmsc_device_tags(void);

/* NULL where it is not set. */
const char *wasmsc_config(const char *key);
const char *wasmsc_secret(const char *name);

/* ---- messages -------------------------------------------------------------------------------------------------- */

wasmsc_status wasmsc_reply(const char *text);
wasmsc_status wasmsc_replyf(const char *format, ...) WASMSC_FORMAT(1, 2);
wasmsc_status wasmsc_reply_octets(const void *octets, size_t length);
wasmsc_status wasmsc_send(const char *to, const char *text);
wasmsc_status wasmsc_sendf(const char *to, const char *format, ...) WASMSC_FORMAT(2, 3);
wasmsc_status wasmsc_send_octets(const char *to, const void *octets, size_t length);
/* Id of the message that was sent last, as receipts name it; "" before the first. */
const char *wasmsc_sent_id(void);

/* A message with options: make one, set what differs, send it once. */
typedef struct {
    int32_t handle;
} wasmsc_draft;

wasmsc_draft wasmsc_draft_text(const char *to, const char *text);
wasmsc_draft wasmsc_draft_octets(const char *to, const void *octets, size_t length);
void wasmsc_draft_sender(wasmsc_draft draft, const char *sender);
void wasmsc_draft_tag(wasmsc_draft draft, const char *tag);
void wasmsc_draft_validity_ms(wasmsc_draft draft, uint64_t validity);
void wasmsc_draft_delay_ms(wasmsc_draft draft, uint64_t delay);
void wasmsc_draft_priority(wasmsc_draft draft, uint8_t priority);
void wasmsc_draft_receipt(wasmsc_draft draft);
void wasmsc_draft_tlv(wasmsc_draft draft, uint16_t tag, const void *octets, size_t length);
wasmsc_status wasmsc_draft_send(wasmsc_draft draft);

/* ---- state of this device, and state that all devices of the rule share ------------------------------------------ */

wasmsc_status wasmsc_state_get(const char *key, wasmsc_bytes *value);
wasmsc_status wasmsc_state_set(const char *key, const void *octets, size_t length);
/* NULL where the key is absent. */
wasmsc_status wasmsc_state_get_text(const char *key, const char **text);
wasmsc_status wasmsc_state_set_text(const char *key, const char *text);
/* 0 where the key is absent. Integers are 8 octets, little-endian, as increment has them. */
wasmsc_status wasmsc_state_get_int(const char *key, int64_t *value);
wasmsc_status wasmsc_state_set_int(const char *key, int64_t value);
/* `sum` may be NULL. */
wasmsc_status wasmsc_state_increment(const char *key, int64_t delta, int64_t *sum);
wasmsc_status wasmsc_state_delete(const char *key);
/* All keys that begin so, in octet order. */
wasmsc_status wasmsc_state_keys(const char *prefix, wasmsc_texts *keys);

wasmsc_status wasmsc_shared_get(const char *key, wasmsc_bytes *value);
wasmsc_status wasmsc_shared_set(const char *key, const void *octets, size_t length);
wasmsc_status wasmsc_shared_get_text(const char *key, const char **text);
wasmsc_status wasmsc_shared_set_text(const char *key, const char *text);
wasmsc_status wasmsc_shared_get_int(const char *key, int64_t *value);
wasmsc_status wasmsc_shared_set_int(const char *key, int64_t value);
/* Adds without reading, so that busy counters do not conflict. */
wasmsc_status wasmsc_shared_add(const char *key, int64_t delta);
wasmsc_status wasmsc_shared_delete(const char *key);
wasmsc_status wasmsc_shared_keys(const char *prefix, wasmsc_texts *keys);

/* ---- timers, HTTP, log ----------------------------------------------------------------------------------------- */

wasmsc_status wasmsc_timer_set(const char *name, uint64_t delay_ms, const void *payload, size_t length);
wasmsc_status wasmsc_timer_set_text(const char *name, uint64_t delay_ms, const char *payload);
/* `was_set` may be NULL. */
wasmsc_status wasmsc_timer_cancel(const char *name, bool *was_set);

typedef struct {
    const char *name;
    const char *value;
} wasmsc_pair;

/* What is NULL or 0 is left out; `method`, `url` and `tag` are needed. */
typedef struct {
    const char *method;
    const char *url;
    const wasmsc_pair *headers;
    size_t header_count;
    wasmsc_bytes body;
    /* Name of the secret that the host puts into the Authorization header. */
    const char *authorization;
    const char *tag;
} wasmsc_http;

wasmsc_status wasmsc_http_submit(const wasmsc_http *http);

typedef enum { WASMSC_TRACE, WASMSC_DEBUG, WASMSC_INFO, WASMSC_WARN, WASMSC_ERROR } wasmsc_level;

void wasmsc_log(wasmsc_level level, const char *message, const wasmsc_pair *fields, size_t field_count);
void wasmsc_logf(wasmsc_level level, const char *format, ...) WASMSC_FORMAT(2, 3);

/* The octets of a text, without its zero octet. */
wasmsc_bytes wasmsc_bytes_of(const char *text);
/* The text that these octets are; NULL where they are not UTF-8 or have a zero octet. */
const char *wasmsc_text_of(wasmsc_bytes bytes);

#ifdef __cplusplus
}
#endif

#endif
