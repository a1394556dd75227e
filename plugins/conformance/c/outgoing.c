/* The commands for messages, timers and HTTP. */
#include <stdlib.h>

#include "rule.h"

static wasmsc_outcome draft(char *rest) {
    (void)rest;
    wasmsc_draft draft = wasmsc_draft_text(wasmsc_device(), "draft");
    wasmsc_draft_sender(draft, "7001");
    wasmsc_draft_tag(draft, "t1");
    wasmsc_draft_validity_ms(draft, 60000);
    wasmsc_draft_delay_ms(draft, 1000);
    wasmsc_draft_priority(draft, 2);
    wasmsc_draft_receipt(draft);
    wasmsc_draft_tlv(draft, 0x1400, "\x01\x02\x03", 3);
    WASMSC_TRY(wasmsc_draft_send(draft));
    return wasmsc_done();
}

static wasmsc_outcome send(char *rest) {
    const char *to = next_word(&rest);
    wasmsc_status status = wasmsc_send(to, rest);
    return status == WASMSC_OK ? wasmsc_done() : answer(wasmsc_status_name(status));
}

static wasmsc_outcome http(char *rest) {
    const wasmsc_pair headers[] = {{"x-test", "1"}};
    wasmsc_status status = wasmsc_http_submit(&(wasmsc_http){
        .method = "POST",
        .url = rest,
        .headers = headers,
        .header_count = 1,
        .body = wasmsc_bytes_of("hello"),
        .authorization = "token",
        .tag = "h1",
    });
    return answer(wasmsc_status_name(status));
}

static wasmsc_outcome timer(char *rest) {
    const char *name = next_word(&rest);
    const char *delay = next_word(&rest);
    WASMSC_TRY(wasmsc_timer_set_text(name, strtoull(delay, NULL, 10), rest));
    return answer("ok");
}

static wasmsc_outcome cancel(char *rest) {
    bool was_set;
    WASMSC_TRY(wasmsc_timer_cancel(rest, &was_set));
    return answer(was_set ? "true" : "false");
}

const Command OUTGOING_COMMANDS[] = {
    {"DRAFT", draft}, {"SEND", send}, {"HTTP", http}, {"TIMER", timer}, {"CANCEL", cancel}, {NULL, NULL},
};
