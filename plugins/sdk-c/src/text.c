/* Octets that are texts, and texts as octets. */
#include "internal.h"

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
