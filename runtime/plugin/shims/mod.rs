//! Interfaces of proposals that components built for other hosts import: wasi:logging, wasi:config and wasi:keyvalue, each
//! a thin turn into what the contract gives. What they write is staged like everything else.
//!
//! A bucket `""`, `default` or `device` is the state of the device, `shared` that of the rule; there are no others.

mod keyvalue;

use wasmtime::component::{HasSelf, Linker};

use super::bindings::wasmsc::plugin::log::{self, Level};
use super::interfaces::Call;
use bindings::wasi::config::store as config;
use bindings::wasi::logging::logging;

mod bindings {
    wasmtime::component::bindgen!({
        path: "runtime/plugin/shims/wit",
        world: "shims",
        imports: { default: trappable },
        with: { "wasi:keyvalue/store.bucket": super::keyvalue::Bucket },
    });
}

pub fn add_to_linker(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    bindings::Shims::add_to_linker::<Call, HasSelf<Call>>(linker, |call| call)
}

impl logging::Host for Call {
    fn log(&mut self, level: logging::Level, context: String, message: String) -> wasmtime::Result<()> {
        let level = match level {
            logging::Level::Trace => Level::Trace,
            logging::Level::Debug => Level::Debug,
            logging::Level::Info => Level::Info,
            logging::Level::Warn => Level::Warn,
            logging::Level::Error | logging::Level::Critical => Level::Error,
        };
        let fields = if context.is_empty() { Vec::new() } else { vec![("context".to_owned(), context)] };
        log::Host::log(self, level, message, fields)
    }
}

impl config::Host for Call {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, config::Error>> {
        Ok(Ok(self.rule.config.get(&key).cloned()))
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, config::Error>> {
        Ok(Ok(self.rule.config.iter().map(|(key, value)| (key.clone(), value.clone())).collect()))
    }
}
