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
