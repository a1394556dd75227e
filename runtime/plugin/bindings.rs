//! The contract in wit/, as Rust. Generated; nothing else lives here.

wasmtime::component::bindgen!({
    path: "wit",
    world: "full-rule",
    imports: { default: trappable },
    exports: { default: async },
    require_store_data_send: true,
    with: { "wasmsc:plugin/outbox.draft": super::outbox::Draft },
});
