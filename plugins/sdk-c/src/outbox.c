/* Messages that this event sends. */
#include "internal.h"

static const char *sent_id = "";

const char *wasmsc_sent_id(void) { return sent_id; }

static wasmsc_plugin_outbox_body_t text_body(const char *text) {
    wasmsc_plugin_outbox_body_t body = {.tag = WASMSC_PLUGIN_TYPES_BODY_TEXT};
    body.val.text = wasmsc__out(text);
    return body;
}

static wasmsc_plugin_outbox_body_t octets_body(const void *octets, size_t length) {
    wasmsc_plugin_outbox_body_t body = {.tag = WASMSC_PLUGIN_TYPES_BODY_BINARY};
    body.val.binary = (imports_list_u8_t){(uint8_t *)octets, length};
    return body;
}

static wasmsc_status sent(bool ok, const imports_string_t *id, const wasmsc_plugin_outbox_send_error_t *error) {
    if (ok) {
        sent_id = wasmsc__text((const char *)id->ptr, id->len);
        return WASMSC_OK;
    }
    wasmsc__set_why(NULL);
    switch (error->tag) {
    case WASMSC_PLUGIN_OUTBOX_SEND_ERROR_NOT_PERMITTED:
        wasmsc__set_why(&error->val.not_permitted);
        return WASMSC_NOT_PERMITTED;
    case WASMSC_PLUGIN_OUTBOX_SEND_ERROR_INVALID_ADDRESS: return WASMSC_INVALID_ADDRESS;
    case WASMSC_PLUGIN_OUTBOX_SEND_ERROR_TOO_LONG: return WASMSC_TOO_LONG;
    case WASMSC_PLUGIN_OUTBOX_SEND_ERROR_QUOTA_EXCEEDED: return WASMSC_QUOTA_EXCEEDED;
    default: wasmsc__set_why(&error->val.other); return WASMSC_OTHER;
    }
}

static wasmsc_status reply(wasmsc_plugin_outbox_body_t body) {
    imports_string_t id;
    wasmsc_plugin_outbox_send_error_t error;
    bool ok = wasmsc_plugin_outbox_reply(&body, &id, &error);
    return sent(ok, &id, &error);
}

static wasmsc_status send(const char *to, wasmsc_plugin_outbox_body_t body) {
    imports_string_t address = wasmsc__out(to), id;
    wasmsc_plugin_outbox_send_error_t error;
    bool ok = wasmsc_plugin_outbox_send(&address, &body, &id, &error);
    return sent(ok, &id, &error);
}

wasmsc_status wasmsc_reply(const char *text) { return reply(text_body(text)); }

wasmsc_status wasmsc_reply_octets(const void *octets, size_t length) { return reply(octets_body(octets, length)); }

wasmsc_status wasmsc_send(const char *to, const char *text) { return send(to, text_body(text)); }

wasmsc_status wasmsc_send_octets(const char *to, const void *octets, size_t length) {
    return send(to, octets_body(octets, length));
}

wasmsc_status wasmsc_replyf(const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = wasmsc__format(format, args);
    va_end(args);
    return wasmsc_reply(text);
}

wasmsc_status wasmsc_sendf(const char *to, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = wasmsc__format(format, args);
    va_end(args);
    return wasmsc_send(to, text);
}

/* ---- drafts ---- */

static wasmsc_draft draft(const char *to, wasmsc_plugin_outbox_body_t body) {
    imports_string_t address = wasmsc__out(to);
    return (wasmsc_draft){wasmsc_plugin_outbox_constructor_draft(&address, &body).__handle};
}

static wasmsc_plugin_outbox_borrow_draft_t borrowed(wasmsc_draft draft) {
    return wasmsc_plugin_outbox_borrow_draft((wasmsc_plugin_outbox_own_draft_t){draft.handle});
}

wasmsc_draft wasmsc_draft_text(const char *to, const char *text) { return draft(to, text_body(text)); }

wasmsc_draft wasmsc_draft_octets(const char *to, const void *octets, size_t length) {
    return draft(to, octets_body(octets, length));
}

void wasmsc_draft_sender(wasmsc_draft draft, const char *sender) {
    imports_string_t address = wasmsc__out(sender);
    wasmsc_plugin_outbox_method_draft_set_sender(borrowed(draft), &address);
}

void wasmsc_draft_tag(wasmsc_draft draft, const char *tag) {
    imports_string_t text = wasmsc__out(tag);
    wasmsc_plugin_outbox_method_draft_set_tag(borrowed(draft), &text);
}

void wasmsc_draft_validity_ms(wasmsc_draft draft, uint64_t validity) {
    wasmsc_plugin_outbox_method_draft_set_validity_ms(borrowed(draft), validity);
}

void wasmsc_draft_delay_ms(wasmsc_draft draft, uint64_t delay) {
    wasmsc_plugin_outbox_method_draft_set_delay_ms(borrowed(draft), delay);
}

void wasmsc_draft_priority(wasmsc_draft draft, uint8_t priority) {
    wasmsc_plugin_outbox_method_draft_set_priority(borrowed(draft), priority);
}

void wasmsc_draft_receipt(wasmsc_draft draft) { wasmsc_plugin_outbox_method_draft_request_receipt(borrowed(draft)); }

void wasmsc_draft_tlv(wasmsc_draft draft, uint16_t tag, const void *octets, size_t length) {
    imports_list_u8_t value = {(uint8_t *)octets, length};
    wasmsc_plugin_outbox_method_draft_set_tlv(borrowed(draft), tag, &value);
}

wasmsc_status wasmsc_draft_send(wasmsc_draft draft) {
    imports_string_t id;
    wasmsc_plugin_outbox_send_error_t error;
    bool ok = wasmsc_plugin_outbox_static_draft_send((wasmsc_plugin_outbox_own_draft_t){draft.handle}, &id, &error);
    return sent(ok, &id, &error);
}
