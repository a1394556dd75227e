/* Facts of the event, the device and the rule. */
#include "internal.h"

static const char *taken(imports_string_t text) { return wasmsc__text((const char *)text.ptr, text.len); }

const char *wasmsc_event_id(void) {
    imports_string_t id;
    wasmsc_plugin_invocation_id(&id);
    return taken(id);
}

uint32_t wasmsc_attempt(void) { return wasmsc_plugin_invocation_attempt(); }

uint64_t wasmsc_now(void) { return wasmsc_plugin_invocation_now(); }

uint32_t wasmsc_remaining_ms(void) { return wasmsc_plugin_invocation_remaining_ms(); }

wasmsc_bytes wasmsc_random(uint32_t count) {
    imports_list_u8_t octets;
    wasmsc_plugin_invocation_random_bytes(count, &octets);
    return wasmsc__bytes(octets.ptr, octets.len);
}

int wasmsc_data_coding(void) {
    uint8_t coding;
    return wasmsc_plugin_invocation_data_coding(&coding) ? coding : -1;
}

uint32_t wasmsc_segments(void) { return wasmsc_plugin_invocation_segments(); }

wasmsc_bytes wasmsc_tlv(uint16_t tag) {
    imports_list_u8_t value;
    if (!wasmsc_plugin_invocation_tlv(tag, &value)) return (wasmsc_bytes){NULL, 0};
    return wasmsc__bytes(value.ptr, value.len);
}

const char *wasmsc_device(void) {
    imports_string_t msisdn;
    wasmsc_plugin_device_msisdn(&msisdn);
    return taken(msisdn);
}

const char *wasmsc_device_attribute(const char *key) {
    imports_string_t name = wasmsc__out(key), value;
    return wasmsc_plugin_device_attribute(&name, &value) ? taken(value) : NULL;
}

wasmsc_texts wasmsc_device_tags(void) {
    imports_list_string_t tags;
    wasmsc_plugin_device_tags(&tags);
    wasmsc_texts texts = {NULL, 0};
    wasmsc__add_texts(&texts, &tags);
    return texts;
}

const char *wasmsc_config(const char *key) {
    imports_string_t name = wasmsc__out(key), value;
    return wasmsc_plugin_config_get(&name, &value) ? taken(value) : NULL;
}

const char *wasmsc_secret(const char *name) {
    imports_string_t secret = wasmsc__out(name), value;
    return wasmsc_plugin_config_secret(&secret, &value) ? taken(value) : NULL;
}

wasmsc_bytes wasmsc_bytes_of(const char *text) { return (wasmsc_bytes){(const uint8_t *)text, __builtin_strlen(text)}; }

/* How many octets behind this one belong to its character, and the least that the first of them may be; -1: none may
 * begin so (Unicode, table 3-7). */
static int following(uint8_t first, uint8_t *least, uint8_t *most) {
    *least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    *most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (first < 0x80) return 0;
    if (first >= 0xC2 && first <= 0xDF) return 1;
    if (first >= 0xE0 && first <= 0xEF) return 2;
    if (first >= 0xF0 && first <= 0xF4) return 3;
    return -1;
}

const char *wasmsc_text_of(wasmsc_bytes bytes) {
    if (bytes.octets == NULL) return NULL;
    for (size_t at = 0; at < bytes.length;) {
        uint8_t least, most, first = bytes.octets[at++];
        int more = following(first, &least, &most);
        if (first == 0 || more < 0 || (size_t)more > bytes.length - at) return NULL;
        for (; more > 0; more--, least = 0x80, most = 0xBF) {
            uint8_t octet = bytes.octets[at++];
            if (octet < least || octet > most) return NULL;
        }
    }
    /* A copy, since only what comes from the host is sure to end with a zero octet. */
    char *text = wasmsc__resize(NULL, bytes.length + 1);
    __builtin_memcpy(text, bytes.octets, bytes.length);
    text[bytes.length] = '\0';
    return text;
}
