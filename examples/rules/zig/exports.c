/* Which handlers the rule has: the macros that export them are C. */
#include "wasmsc.h"

wasmsc_on_mo rule_on_mo;
WASMSC_ON_MO(rule_on_mo)
