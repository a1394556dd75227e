/* Counts what a device writes, and answers. */
#include "wasmsc.h"

static wasmsc_outcome on_mo(const wasmsc_mo *mo) {
    if (mo->text == NULL) return wasmsc_reject("binary messages are not understood");
    const char *greeting = wasmsc_config("greeting");
    if (greeting == NULL) greeting = "hello";
    int64_t visits;
    WASMSC_TRY(wasmsc_state_increment("visits", 1, &visits));
    WASMSC_TRY(wasmsc_replyf("%s, this is visit %lld; you said %s", greeting, (long long)visits, mo->text));
    return wasmsc_done();
}
WASMSC_ON_MO(on_mo)
