import { defineRule } from "wasmsc-plugin";

export default defineRule({
  onMo(mo, cx) {
    const greeting = cx.config.get("greeting") ?? "hello";
    const visits = cx.state.increment("visits");
    cx.reply(`${greeting}, this is visit ${visits}; you said ${mo.text}`);
  },
  checkConfig(cx) {
    if (cx.config.get("greeting") === "") return "greeting is empty; leave it out, or say something";
  },
});
