/* What the files of the conformance rule share. */
#include "wasmsc.h"

/* A command: its first word, and what gets the rest of the text. */
typedef struct {
    const char *verb;
    wasmsc_outcome (*run)(char *rest);
} Command;

extern const Command STATE_COMMANDS[];
extern const Command OUTGOING_COMMANDS[];

/* Cuts off the first word of `rest` and moves it to what stands behind; "" where nothing is left. */
char *next_word(char **rest);

wasmsc_outcome answer(const char *text);
