//! Counts what a device writes, and answers: a rule of wasmsc in Zig, over the SDK for C.

const c = @import("c");

fn onMo(mo: [*c]const c.wasmsc_mo) callconv(.c) c.wasmsc_outcome {
    if (mo.*.text == null) return c.wasmsc_reject("binary messages are not understood");
    var visits: i64 = 0;
    if (failed(c.wasmsc_state_increment("visits", 1, &visits), "state")) |outcome| return outcome;
    if (failed(c.wasmsc_replyf("visit %lld; you said %s", visits, mo.*.text), "reply")) |outcome| return outcome;
    return c.wasmsc_done();
}

/// How the event ends where the host refused something.
fn failed(status: c.wasmsc_status, what: [*:0]const u8) ?c.wasmsc_outcome {
    return if (status == c.WASMSC_OK) null else c.wasmsc_failed(status, what);
}

comptime {
    @export(&onMo, .{ .name = "rule_on_mo" });
}
