/* What of the library needs no host, compiled for this machine: cc -Iinclude -Isrc tests/text_test.c src/format.c src/text.c */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static int failed;

void *wasmsc__resize(void *old, size_t size) { return realloc(old, size); }

static void same(const char *got, const char *wanted) {
    if (strcmp(got, wanted) == 0) return;
    printf("got    \"%s\"\nwanted \"%s\"\n", got, wanted);
    failed++;
}

/* Against the C library, for what both know. */
#define AS_PRINTF(...)                                 \
    do {                                               \
        char wanted[512];                              \
        snprintf(wanted, sizeof wanted, __VA_ARGS__);  \
        same(wasmsc_format(__VA_ARGS__), wanted);      \
    } while (0)

static void formats(void) {
    AS_PRINTF("%s and %s", "one", "two");
    AS_PRINTF("%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
    AS_PRINTF("%lld %lld", LLONG_MAX, LLONG_MIN);
    AS_PRINTF("%llu %lu %u %zu", ULLONG_MAX, ULONG_MAX, UINT_MAX, SIZE_MAX);
    AS_PRINTF("%x %X %llx", 0xBEEF, 0xBEEF, 0xFEDCBA9876543210ULL);
    AS_PRINTF("[%5d][%05d][%05d][%2d]", 42, 42, -42, 12345);
    AS_PRINTF("[%8s][%.2s][%.*s][%5.1s]", "ab", "abc", 1, "xyz", "abc");
    AS_PRINTF("[%*d] 100%% %c", 4, 7, 'z');
    AS_PRINTF("%hd %hhu", (short)-3, (unsigned char)200);
    AS_PRINTF("%0*d", 20, 5);
    char long_text[400];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    AS_PRINTF("%s%s", long_text, "y");
    AS_PRINTF("å€😀 %s", "Привет");
    const char *none = NULL;
    same(wasmsc_format("<%s>", none), "<>");
}

static void is_text(const char *octets, size_t length, bool wanted) {
    const char *text = wasmsc_text_of((wasmsc_bytes){(const uint8_t *)octets, length});
    if ((text != NULL) == wanted && (text == NULL || memcmp(text, octets, length + 1) == 0)) return;
    printf("octet %02x… of %zu: wanted %s\n", (unsigned char)octets[0], length, wanted ? "a text" : "none");
    failed++;
}

static void texts(void) {
    is_text("", 0, true);
    is_text("plain", 5, true);
    is_text("å€😀", strlen("å€😀"), true);
    is_text("\xED\x9F\xBF", 3, true);
    is_text("\xF4\x8F\xBF\xBF", 4, true);
    is_text("a\0b", 3, false);
    is_text("\x80", 1, false);
    is_text("\xC0\x80", 2, false);     /* longer than need be */
    is_text("\xE0\x9F\xBF", 3, false); /* likewise */
    is_text("\xED\xA0\x80", 3, false); /* a surrogate */
    is_text("\xF4\x90\x80\x80", 4, false);
    is_text("\xF5\x80\x80\x80", 4, false);
    is_text("\xE2\x82", 2, false); /* cut */
    is_text("\xE2\x28\xA1", 3, false);
    if (wasmsc_text_of((wasmsc_bytes){NULL, 0}) != NULL) {
        printf("no value is no text\n");
        failed++;
    }
}

int main(void) {
    formats();
    texts();
    printf("%s\n", failed == 0 ? "ok" : "FAILED");
    return failed != 0;
}
