/* State of the device, and state that all devices of the rule share. */
#include <string.h>

#include "internal.h"

/* The error types of both interfaces are one (wit/plugin.wit, state-types). */
static wasmsc_status status(bool ok, const wasmsc_plugin_state_types_state_error_t *error) {
    if (ok) return WASMSC_OK;
    wasmsc__set_why(NULL);
    switch (error->tag) {
    case WASMSC_PLUGIN_STATE_TYPES_STATE_ERROR_INVALID_KEY: return WASMSC_INVALID_KEY;
    case WASMSC_PLUGIN_STATE_TYPES_STATE_ERROR_VALUE_TOO_LARGE: return WASMSC_VALUE_TOO_LARGE;
    case WASMSC_PLUGIN_STATE_TYPES_STATE_ERROR_QUOTA_EXCEEDED: return WASMSC_QUOTA_EXCEEDED;
    default: wasmsc__set_why(&error->val.other); return WASMSC_OTHER;
    }
}

static wasmsc_status unreadable(const char *why) {
    imports_string_t text = wasmsc__out(why);
    wasmsc__set_why(&text);
    return WASMSC_UNREADABLE;
}

/* Both kinds of state have the same functions under other names. */
typedef struct {
    bool (*get)(imports_string_t *, imports_option_list_u8_t *, wasmsc_plugin_state_types_state_error_t *);
    bool (*set)(imports_string_t *, imports_list_u8_t *, wasmsc_plugin_state_types_state_error_t *);
    bool (*delete)(imports_string_t *, wasmsc_plugin_state_types_state_error_t *);
    bool (*list_keys)(imports_string_t *, imports_string_t *, wasmsc_plugin_state_types_key_page_t *,
                      wasmsc_plugin_state_types_state_error_t *);
} Kind;

static inline wasmsc_status get(Kind kind, const char *key, wasmsc_bytes *value) {
    imports_string_t name = wasmsc__out(key);
    imports_option_list_u8_t found;
    wasmsc_plugin_state_types_state_error_t error;
    *value = (wasmsc_bytes){NULL, 0};
    if (!kind.get(&name, &found, &error)) return status(false, &error);
    if (found.is_some) *value = wasmsc__bytes(found.val.ptr, found.val.len);
    return WASMSC_OK;
}

static inline wasmsc_status get_text(Kind kind, const char *key, const char **text) {
    wasmsc_bytes value;
    *text = NULL;
    wasmsc_status got = get(kind, key, &value);
    if (got != WASMSC_OK || value.octets == NULL) return got;
    *text = wasmsc_text_of(value);
    return *text == NULL ? unreadable("the value is no text") : WASMSC_OK;
}

static inline wasmsc_status get_int(Kind kind, const char *key, int64_t *number) {
    wasmsc_bytes value;
    *number = 0;
    wasmsc_status got = get(kind, key, &value);
    if (got != WASMSC_OK || value.octets == NULL) return got;
    if (value.length != sizeof *number) return unreadable("the value is no integer of 8 octets");
    memcpy(number, value.octets, sizeof *number); /* WebAssembly is little-endian */
    return WASMSC_OK;
}

static inline wasmsc_status set(Kind kind, const char *key, const void *octets, size_t length) {
    imports_string_t name = wasmsc__out(key);
    imports_list_u8_t value = {(uint8_t *)octets, length};
    wasmsc_plugin_state_types_state_error_t error;
    return status(kind.set(&name, &value, &error), &error);
}

static inline wasmsc_status delete_key(Kind kind, const char *key) {
    imports_string_t name = wasmsc__out(key);
    wasmsc_plugin_state_types_state_error_t error;
    return status(kind.delete(&name, &error), &error);
}

void wasmsc__add_texts(wasmsc_texts *texts, const imports_list_string_t *more) {
    const char **items = wasmsc__resize(NULL, (texts->count + more->len + 1) * sizeof *items);
    if (texts->count > 0) memcpy(items, texts->items, texts->count * sizeof *items);
    for (size_t n = 0; n < more->len; n++)
        items[texts->count + n] = wasmsc__text((const char *)more->ptr[n].ptr, more->ptr[n].len);
    texts->items = items;
    texts->count += more->len;
}

static inline wasmsc_status keys(Kind kind, const char *prefix, wasmsc_texts *found) {
    imports_string_t start = wasmsc__out(prefix), cursor, *from = NULL;
    *found = (wasmsc_texts){NULL, 0};
    for (;;) {
        wasmsc_plugin_state_types_key_page_t page;
        wasmsc_plugin_state_types_state_error_t error;
        if (!kind.list_keys(&start, from, &page, &error)) return status(false, &error);
        wasmsc__add_texts(found, &page.keys);
        if (!page.cursor.is_some) return WASMSC_OK;
        cursor = page.cursor.val;
        from = &cursor;
    }
}

#define DEVICE                                                                                           \
    (Kind) {                                                                                             \
        wasmsc_plugin_state_get, wasmsc_plugin_state_set, wasmsc_plugin_state_delete,                    \
            wasmsc_plugin_state_list_keys                                                                \
    }
#define SHARED                                                                                           \
    (Kind) {                                                                                             \
        wasmsc_plugin_shared_state_get, wasmsc_plugin_shared_state_set, wasmsc_plugin_shared_state_delete, \
            wasmsc_plugin_shared_state_list_keys                                                         \
    }

wasmsc_status wasmsc_state_get(const char *key, wasmsc_bytes *value) { return get(DEVICE, key, value); }
wasmsc_status wasmsc_shared_get(const char *key, wasmsc_bytes *value) { return get(SHARED, key, value); }

wasmsc_status wasmsc_state_get_text(const char *key, const char **text) { return get_text(DEVICE, key, text); }
wasmsc_status wasmsc_shared_get_text(const char *key, const char **text) { return get_text(SHARED, key, text); }

wasmsc_status wasmsc_state_get_int(const char *key, int64_t *value) { return get_int(DEVICE, key, value); }
wasmsc_status wasmsc_shared_get_int(const char *key, int64_t *value) { return get_int(SHARED, key, value); }

wasmsc_status wasmsc_state_set(const char *key, const void *octets, size_t length) { return set(DEVICE, key, octets, length); }
wasmsc_status wasmsc_shared_set(const char *key, const void *octets, size_t length) { return set(SHARED, key, octets, length); }

wasmsc_status wasmsc_state_set_text(const char *key, const char *text) { return set(DEVICE, key, text, strlen(text)); }
wasmsc_status wasmsc_shared_set_text(const char *key, const char *text) { return set(SHARED, key, text, strlen(text)); }

wasmsc_status wasmsc_state_set_int(const char *key, int64_t value) { return set(DEVICE, key, &value, sizeof value); }
wasmsc_status wasmsc_shared_set_int(const char *key, int64_t value) { return set(SHARED, key, &value, sizeof value); }

wasmsc_status wasmsc_state_delete(const char *key) { return delete_key(DEVICE, key); }
wasmsc_status wasmsc_shared_delete(const char *key) { return delete_key(SHARED, key); }

wasmsc_status wasmsc_state_keys(const char *prefix, wasmsc_texts *found) { return keys(DEVICE, prefix, found); }
wasmsc_status wasmsc_shared_keys(const char *prefix, wasmsc_texts *found) { return keys(SHARED, prefix, found); }

wasmsc_status wasmsc_state_increment(const char *key, int64_t delta, int64_t *sum) {
    imports_string_t name = wasmsc__out(key);
    wasmsc_plugin_state_types_state_error_t error;
    int64_t now = 0;
    bool ok = wasmsc_plugin_state_increment(&name, delta, &now, &error);
    if (sum != NULL) *sum = now;
    return status(ok, &error);
}

wasmsc_status wasmsc_shared_add(const char *key, int64_t delta) {
    imports_string_t name = wasmsc__out(key);
    wasmsc_plugin_state_types_state_error_t error;
    return status(wasmsc_plugin_shared_state_add(&name, delta, &error), &error);
}
