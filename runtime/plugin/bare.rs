//! The bare engine: what wasmtime alone takes for a call of a rule, for `cargo xtask bench`, to show what the host adds.
//!
//! The engine's settings are the host's, and the three functions that `hello` imports do the least that they can: a map, a
//! list, nothing kept. No limits, no deadline, no fibre, nothing checked, no effects that anybody could store.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::bindings::wasmsc::plugin::types as wit;
use super::bindings::wasmsc::plugin::{outbox, state_types};
use super::engine::Engines;
use super::filling::Filling;

#[derive(Debug, thiserror::Error)]
#[error("the bare engine: {0:#}")]
pub struct BareError(wasmtime::Error);

impl From<wasmtime::Error> for BareError {
    fn from(error: wasmtime::Error) -> BareError {
        BareError(error)
    }
}

#[derive(Default)]
struct Bare {
    state: HashMap<String, i64>,
    sent: Vec<wit::Body>,
    wasi: Option<(WasiCtx, ResourceTable)>,
}

impl WasiView for Bare {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let (ctx, table) = self.wasi.get_or_insert_with(Default::default);
        WasiCtxView { ctx, table }
    }
}

pub struct BareHost {
    engines: Engines,
    filling: Filling,
    linker: Linker<Bare>,
    message: wit::Message,
}

pub struct BareRule {
    component: InstancePre<Bare>,
    handler: ComponentExportIndex,
}

impl BareHost {
    /// For components with as much data as this one. `text` is that of the MO.
    pub fn new(wasm: &[u8], text: &str) -> Result<BareHost, BareError> {
        let engines = Engines::new(1, Arc::default()).map_err(wasmtime::Error::new)?;
        let filling = Filling::of(wasm);
        let linker = linker(engines.of(filling))?;
        let message = wit::Message {
            id: "0000000000000001".into(),
            source: "+46700000001".into(),
            destination: "7001".into(),
            body: wit::Body::Text(text.into()),
            received_at: 1_700_000_000_000,
        };
        Ok(BareHost { engines, filling, linker, message })
    }

    /// For engines with the settings of these, which are those of every host.
    pub fn compile(&self, wasm: &[u8]) -> Result<Vec<u8>, BareError> {
        Ok(self.engines.of(self.filling).precompile_component(wasm)?)
    }

    /// `file` holds what [`compile`](Self::compile) made.
    pub fn open(&self, file: &Path) -> Result<BareRule, BareError> {
        // SAFETY: the bench wrote it from a component a moment ago, in a folder of its own, and does not change it.
        let component = unsafe { Component::deserialize_file(self.engines.of(self.filling), file) }?;
        let exported = component.get_export_index(None, "wasmsc:plugin/mo-handler@0.1.0");
        let handler = exported.and_then(|interface| component.get_export_index(Some(&interface), "handle-mo"));
        let handler = handler.ok_or_else(|| wasmtime::Error::msg("it exports no mo-handler"))?;
        Ok(BareRule { component: self.linker.instantiate_pre(&component)?, handler })
    }

    /// A fresh instance, a call, and nothing kept of it. Yields how many messages it sent.
    pub fn call(&self, rule: &BareRule) -> Result<usize, BareError> {
        let mut store = Store::new(rule.component.engine(), Bare::default());
        store.set_epoch_deadline(1_000);
        let instance = rule.component.instantiate(&mut store)?;
        let handler =
            instance.get_typed_func::<(&wit::Message,), (Result<(), wit::HandlerError>,)>(&mut store, &rule.handler)?;
        let (handled,) = handler.call(&mut store, (&self.message,))?;
        handled.map_err(|error| wasmtime::Error::msg(format!("{error:?}")))?;
        Ok(store.into_data().sent.len())
    }
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<Bare>> {
    let mut linker = Linker::<Bare>::new(engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    linker.instance("wasmsc:plugin/config@0.1.0")?.func_wrap("get", |_, (_,): (String,)| Ok((None::<String>,)))?;
    linker.instance("wasmsc:plugin/state@0.1.0")?.func_wrap(
        "increment",
        |mut store, (key, delta): (String, i64)| {
            let sum = store.data_mut().state.entry(key).or_default();
            *sum += delta;
            Ok((Ok::<i64, state_types::StateError>(*sum),))
        },
    )?;
    linker.instance("wasmsc:plugin/outbox@0.1.0")?.func_wrap("reply", |mut store, (body,): (wit::Body,)| {
        let sent = &mut store.data_mut().sent;
        sent.push(body);
        Ok((Ok::<String, outbox::SendError>(format!("{:020x}", sent.len())),))
    })?;
    Ok(linker)
}
