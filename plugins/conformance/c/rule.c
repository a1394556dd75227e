/* Does by command what a rule can do. The same commands exist in every language; ../cases says what each must do.
 *
 * Here are the events and the facts; state.c has what reads and writes, outgoing.c what sends. */
#include "rule.h"

#include <stdlib.h>
#include <string.h>

char *next_word(char **rest) {
    char *word = *rest;
    char *end = strchr(word, ' ');
    if (end == NULL) {
        *rest = word + strlen(word);
    } else {
        *end = '\0';
        *rest = end + 1;
    }
    return word;
}

wasmsc_outcome answer(const char *text) {
    WASMSC_TRY(wasmsc_reply(text));
    return wasmsc_done();
}

static const char *hex(wasmsc_bytes bytes) {
    if (bytes.octets == NULL) return "none";
    char *text = malloc(2 * bytes.length + 1);
    for (size_t n = 0; n < bytes.length; n++) memcpy(text + 2 * n, wasmsc_format("%02x", bytes.octets[n]), 2);
    text[2 * bytes.length] = '\0';
    return text;
}

static const char *or_none(const char *text) { return text == NULL ? "none" : text; }

static wasmsc_outcome echo(char *rest) { return answer(rest); }

static wasmsc_outcome utf8(char *rest) {
    (void)rest;
    return answer("åäö€ Привет 😀");
}

static wasmsc_outcome config(char *rest) { return answer(or_none(wasmsc_config(rest))); }

static wasmsc_outcome secret(char *rest) {
    const char *value = wasmsc_secret(rest);
    if (value == NULL) return answer("none");
    int characters = 0;
    /* Every octet but those that go on with a character. */
    for (; *value != '\0'; value++) characters += (*value & 0xC0) != 0x80;
    return answer(wasmsc_format("%d", characters));
}

static wasmsc_outcome log_text(char *rest) {
    const wasmsc_pair fields[] = {{"kind", "test"}};
    wasmsc_log(WASMSC_WARN, rest, fields, 1);
    return answer("ok");
}

static wasmsc_outcome retry(char *rest) {
    (void)rest;
    if (wasmsc_attempt() == 1) return wasmsc_retry_after(1500);
    return answer(wasmsc_format("attempt %u", (unsigned)wasmsc_attempt()));
}

static wasmsc_outcome reject(char *rest) { return wasmsc_reject("%s", rest); }

static wasmsc_outcome random_hex(char *rest) {
    (void)rest;
    return answer(hex(wasmsc_random(16)));
}

static wasmsc_outcome facts(char *rest) {
    (void)rest;
    const char *coding = wasmsc_data_coding() < 0 ? "none" : wasmsc_format("%d", wasmsc_data_coding());
    return answer(wasmsc_format("%s %u %s %u", wasmsc_event_id(), (unsigned)wasmsc_attempt(), coding,
                                (unsigned)wasmsc_segments()));
}

static wasmsc_outcome tlv(char *rest) {
    char *end;
    unsigned long tag = strtoul(rest, &end, 16);
    if (end == rest || *end != '\0' || tag > UINT16_MAX) return wasmsc_reject("\"%s\" is no tag", rest);
    return answer(hex(wasmsc_tlv((uint16_t)tag)));
}

static wasmsc_outcome device(char *rest) {
    const char *joined = "";
    wasmsc_texts tags = wasmsc_device_tags();
    for (size_t n = 0; n < tags.count; n++) joined = wasmsc_format("%s%s%s", joined, n == 0 ? "" : ",", tags.items[n]);
    return answer(wasmsc_format("%s %s %s", wasmsc_device(), or_none(wasmsc_device_attribute(rest)), joined));
}

static wasmsc_outcome trap(char *rest) {
    (void)rest;
    __builtin_trap();
}

static wasmsc_outcome spin(char *rest) {
    /* Volatile, so that the compiler may not assume that it ends. */
    for (volatile unsigned round = 0;; round++) (void)rest;
}

static const Command FACTS[] = {
    {"ECHO", echo},     {"UTF8", utf8},   {"CONFIG", config},      {"SECRET", secret},
    {"LOG", log_text},  {"RETRY", retry}, {"REJECT", reject},      {"RANDOM", random_hex},
    {"FACTS", facts},   {"TLV", tlv},     {"DEVICE", device},      {"TRAP", trap},
    {"SPIN", spin},     {NULL, NULL},
};

static wasmsc_outcome on_mo(const wasmsc_mo *mo) {
    if (mo->text == NULL) {
        WASMSC_TRY(wasmsc_reply_octets(mo->binary.octets, mo->binary.length));
        return wasmsc_done();
    }
    char *rest = wasmsc_format("%s", mo->text);
    char *verb = next_word(&rest);
    const Command *const tables[] = {FACTS, STATE_COMMANDS, OUTGOING_COMMANDS};
    for (size_t table = 0; table < sizeof tables / sizeof *tables; table++)
        for (const Command *command = tables[table]; command->verb != NULL; command++)
            if (strcmp(command->verb, verb) == 0) return command->run(rest);
    return answer("?");
}
WASMSC_ON_MO(on_mo)

static wasmsc_outcome on_receipt(const wasmsc_receipt *receipt) {
    return answer(wasmsc_format("receipt %s %s", or_none(receipt->tag), wasmsc_message_state_name(receipt->state)));
}
WASMSC_ON_RECEIPT(on_receipt)

static wasmsc_outcome on_timer(const wasmsc_timer *timer) {
    return answer(wasmsc_format("timer %s %.*s", timer->name, (int)timer->payload.length, timer->payload.octets));
}
WASMSC_ON_TIMER(on_timer)

static wasmsc_outcome on_http_reply(const wasmsc_http_reply *reply) {
    const char *status = reply->status == 0 ? "none" : wasmsc_format("%d", reply->status);
    return answer(wasmsc_format("http %s %s", reply->tag, status));
}
WASMSC_ON_HTTP_REPLY(on_http_reply)

static wasmsc_outcome on_request(const wasmsc_request *request) {
    if (strcmp(request->name, "fail") == 0) return wasmsc_reject("no");
    if (strcmp(request->name, "ping") == 0)
        wasmsc_respond(200, "{\"pong\":true}");
    else
        wasmsc_respond(404, "{}");
    return wasmsc_done();
}
WASMSC_ON_REQUEST(on_request)

static const char *check_config(void) { return wasmsc_config("bad") == NULL ? NULL : "bad is set"; }
WASMSC_ON_CONFIG_CHECK(check_config)
