/* Memory for one event: taken from the end, never given back. The instance goes away with all of it.
 *
 * That makes a rule smaller than with the C library's malloc, and spares a growth of memory per event. A rule
 * that needs free to give memory back is compiled with WASMSC_LIBC_MALLOC. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#ifndef WASMSC_LIBC_MALLOC

enum { PAGE = 65536, ALIGN = 16 };

/* From the linker: where data and stack end. */
extern unsigned char __heap_base;

static uintptr_t next_free;

/* A block has its size in front, for realloc. */
typedef struct {
    _Alignas(ALIGN) size_t size;
} Header;

static void *take(size_t size) {
    if (next_free == 0) next_free = ((uintptr_t)&__heap_base + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1);
    size_t have = __builtin_wasm_memory_size(0) * PAGE - next_free;
    if (size > SIZE_MAX - PAGE - sizeof(Header)) return NULL;
    size_t need = sizeof(Header) + ((size + ALIGN - 1) & ~(size_t)(ALIGN - 1));
    if (need > have && __builtin_wasm_memory_grow(0, (need - have + PAGE - 1) / PAGE) == SIZE_MAX) return NULL;
    Header *header = (Header *)next_free;
    header->size = size;
    next_free += need;
    return header + 1;
}

void *malloc(size_t size) {
    void *block = take(size);
    if (block == NULL) errno = ENOMEM;
    return block;
}

void free(void *block) { (void)block; }

void *calloc(size_t count, size_t size) {
    size_t octets;
    if (__builtin_mul_overflow(count, size, &octets)) return NULL;
    void *block = malloc(octets);
    if (block != NULL) memset(block, 0, octets);
    return block;
}

void *realloc(void *old, size_t size) {
    size_t had = old == NULL ? 0 : ((Header *)old - 1)->size;
    if (old != NULL && size <= had) return old;
    void *block = malloc(size);
    if (block != NULL && had > 0) memcpy(block, old, had);
    return block;
}

#endif

void *wasmsc__resize(void *old, size_t size) {
    void *block = realloc(old, size);
    if (block == NULL) __builtin_trap();
    return block;
}

/* The host takes memory here for what it hands over. One octet more, and that a zero, makes every text a C string. */
__attribute__((__export_name__("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    (void)align; /* at most 8: every block is aligned to more */
    if (old != NULL && size <= old_size) return old;
    unsigned char *block = wasmsc__resize(old, size + 1);
    block[size] = '\0';
    return block;
}
