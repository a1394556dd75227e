/* Text as printf makes it, without floating point and without the C library's printf, which is ten times as large as
 * a small rule and wants WASI for what no rule may do. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* A text that grows. */
typedef struct {
    char *text;
    size_t length;
    size_t capacity;
} Text;

static void put(Text *out, const char *from, size_t length) {
    if (length > out->capacity - out->length) {
        out->capacity = 2 * out->capacity + length;
        out->text = wasmsc__resize(out->text, out->capacity + 1);
    }
    memcpy(out->text + out->length, from, length);
    out->length += length;
}

static void pad(Text *out, char with, size_t length, size_t width) {
    for (; length < width; length++) put(out, &with, 1);
}

/* Digits of a number, written from the end of `room`. */
static const char *digits(uintmax_t number, unsigned base, const char *alphabet, char *end) {
    *end = '\0';
    do {
        *--end = alphabet[number % base];
        number /= base;
    } while (number != 0);
    return end;
}

static intmax_t signed_argument(va_list *args, char length) {
    switch (length) {
    case 'L': case 'j': return va_arg(*args, long long);
    case 'l': case 'z': return va_arg(*args, long);
    default: return va_arg(*args, int);
    }
}

static uintmax_t unsigned_argument(va_list *args, char length) {
    switch (length) {
    case 'L': case 'j': return va_arg(*args, unsigned long long);
    case 'l': case 'z': return va_arg(*args, unsigned long);
    default: return va_arg(*args, unsigned);
    }
}

/* What stands between % and the letter. */
typedef struct {
    bool zeros;
    size_t width;
    size_t precision;
    char length;
} Spec;

static size_t number_of(const char **at, va_list *args) {
    if (**at == '*') {
        ++*at;
        int given = va_arg(*args, int);
        return given < 0 ? 0 : (size_t)given;
    }
    size_t number = 0;
    for (; **at >= '0' && **at <= '9'; ++*at) number = 10 * number + (size_t)(**at - '0');
    return number;
}

static Spec spec_of(const char **at, va_list *args) {
    Spec spec = {.precision = SIZE_MAX};
    for (; **at == '0'; ++*at) spec.zeros = true;
    spec.width = number_of(at, args);
    if (**at == '.') {
        ++*at;
        spec.precision = number_of(at, args);
    }
    for (; **at == 'l' || **at == 'z' || **at == 'j' || **at == 'h'; ++*at)
        if (**at != 'h') spec.length = spec.length == 'l' ? 'L' : **at;
    return spec;
}

static void put_number(Text *out, const Spec *spec, const char *number, bool negative) {
    size_t length = strlen(number);
    size_t width = spec->width > negative ? spec->width - negative : 0;
    if (!spec->zeros) pad(out, ' ', length, width);
    if (negative) put(out, "-", 1);
    if (spec->zeros) pad(out, '0', length, width);
    put(out, number, length);
}

static void put_text(Text *out, const Spec *spec, const char *text) {
    size_t length = 0;
    while (text != NULL && length < spec->precision && text[length] != '\0') length++;
    pad(out, ' ', length, spec->width);
    put(out, text == NULL ? "" : text, length);
}

static void put_argument(Text *out, char letter, const Spec *spec, va_list *args) {
    char room[24];
    char *end = room + sizeof room - 1;
    switch (letter) {
    case 's': put_text(out, spec, va_arg(*args, const char *)); break;
    case 'c': put(out, &(char){(char)va_arg(*args, int)}, 1); break;
    case 'd': case 'i': {
        intmax_t number = signed_argument(args, spec->length);
        uintmax_t size = number < 0 ? -(uintmax_t)number : (uintmax_t)number;
        put_number(out, spec, digits(size, 10, "0123456789", end), number < 0);
        break;
    }
    case 'u': put_number(out, spec, digits(unsigned_argument(args, spec->length), 10, "0123456789", end), false); break;
    case 'x': put_number(out, spec, digits(unsigned_argument(args, spec->length), 16, "0123456789abcdef", end), false); break;
    case 'X': put_number(out, spec, digits(unsigned_argument(args, spec->length), 16, "0123456789ABCDEF", end), false); break;
    case 'p': put_number(out, spec, digits((uintptr_t)va_arg(*args, void *), 16, "0123456789abcdef", end), false); break;
    case '%': put(out, "%", 1); break;
    /* Another letter has an argument of unknown size behind it: better a clear end than a wrong message. */
    default: __builtin_trap();
    }
}

char *wasmsc__format(const char *format, va_list args) {
    Text out = {.capacity = 62};
    out.text = wasmsc__resize(NULL, out.capacity + 1);
    va_list rest;
    va_copy(rest, args);
    while (*format != '\0') {
        size_t plain = strcspn(format, "%");
        put(&out, format, plain);
        format += plain;
        if (*format == '\0') break;
        format++;
        Spec spec = spec_of(&format, &rest);
        put_argument(&out, *format, &spec, &rest);
        format++;
    }
    va_end(rest);
    out.text[out.length] = '\0';
    return out.text;
}

char *wasmsc_format(const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = wasmsc__format(format, args);
    va_end(args);
    return text;
}
