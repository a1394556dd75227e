/* What the files of this library share and rules do not see. */
#ifndef WASMSC_INTERNAL_H
#define WASMSC_INTERNAL_H

#include <stdarg.h>

#include "imports.h"
#include "wasmsc.h"

/* Takes memory, or moves what was taken to more of it; traps where there is none left. Never to be freed. */
void *wasmsc__resize(void *old, size_t size);

char *wasmsc__format(const char *format, va_list args) __attribute__((__format__(__printf__, 1, 0)));

/* Remembers what the host said about an error, for wasmsc_why. `why` may be NULL. */
void wasmsc__set_why(const imports_string_t *why);

/* Adds what the host listed. */
void wasmsc__add_texts(wasmsc_texts *texts, const imports_list_string_t *more);

/* A text as the host takes it. It only reads. */
static inline imports_string_t wasmsc__out(const char *text) {
    return (imports_string_t){(uint8_t *)text, __builtin_strlen(text)};
}

#endif
