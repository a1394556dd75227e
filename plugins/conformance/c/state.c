/* The commands for what outlives an event. */
#include <stdlib.h>
#include <string.h>

#include "rule.h"

static wasmsc_outcome joined(wasmsc_texts keys) {
    size_t length = 0;
    for (size_t n = 0; n < keys.count; n++) length += strlen(keys.items[n]) + 1;
    if (length == 0) return answer("none");
    char *text = malloc(length + 1);
    char *end = text;
    for (size_t n = 0; n < keys.count; n++) {
        size_t octets = strlen(keys.items[n]);
        memcpy(end, keys.items[n], octets);
        end += octets;
        *end++ = ',';
    }
    end[-1] = '\0';
    return answer(text);
}

static wasmsc_outcome count(char *rest) {
    (void)rest;
    int64_t sum;
    WASMSC_TRY(wasmsc_state_increment("n", 1, &sum));
    return answer(wasmsc_format("%lld", (long long)sum));
}

static wasmsc_outcome set(char *rest) {
    const char *key = next_word(&rest);
    WASMSC_TRY(wasmsc_state_set_text(key, rest));
    return answer("ok");
}

static wasmsc_outcome get(char *rest) {
    const char *value;
    WASMSC_TRY(wasmsc_state_get_text(rest, &value));
    return answer(value == NULL ? "none" : value);
}

static wasmsc_outcome del(char *rest) {
    WASMSC_TRY(wasmsc_state_delete(rest));
    return answer("ok");
}

static wasmsc_outcome keys(char *rest) {
    wasmsc_texts found;
    WASMSC_TRY(wasmsc_state_keys(rest, &found));
    return joined(found);
}

static wasmsc_outcome shared_add(char *rest) {
    const char *key = next_word(&rest);
    WASMSC_TRY(wasmsc_shared_add(key, strtoll(rest, NULL, 10)));
    return answer("ok");
}

static wasmsc_outcome shared_set(char *rest) {
    const char *key = next_word(&rest);
    WASMSC_TRY(wasmsc_shared_set_text(key, rest));
    return answer("ok");
}

static wasmsc_outcome shared_get(char *rest) {
    wasmsc_bytes value;
    WASMSC_TRY(wasmsc_shared_get(rest, &value));
    if (value.octets == NULL) return answer("none");
    if (value.length != sizeof(int64_t)) {
        const char *text;
        WASMSC_TRY(wasmsc_shared_get_text(rest, &text));
        return answer(text);
    }
    int64_t number;
    WASMSC_TRY(wasmsc_shared_get_int(rest, &number));
    return answer(wasmsc_format("%lld", (long long)number));
}

static wasmsc_outcome shared_del(char *rest) {
    WASMSC_TRY(wasmsc_shared_delete(rest));
    return answer("ok");
}

static wasmsc_outcome shared_keys(char *rest) {
    wasmsc_texts found;
    WASMSC_TRY(wasmsc_shared_keys(rest, &found));
    return joined(found);
}

static wasmsc_outcome partial(char *rest) {
    (void)rest;
    WASMSC_TRY(wasmsc_state_set_text("p", "1"));
    WASMSC_TRY(wasmsc_reply("lost"));
    return wasmsc_reject("partial");
}

const Command STATE_COMMANDS[] = {
    {"COUNT", count},     {"SET", set},          {"GET", get},         {"DEL", del},
    {"KEYS", keys},       {"SADD", shared_add},  {"SSET", shared_set}, {"SGET", shared_get},
    {"SDEL", shared_del}, {"SKEYS", shared_keys}, {"PARTIAL", partial}, {NULL, NULL},
};
