//! Does a component fit the contract? If not: a sentence that tells its author what to change.

use wasmtime::component::Component;

/// Why a component is refused. Found before it runs, when the rule is loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    #[error("imports {0:?}, which wasmsc does not give to rules; it gives {GIVEN}")]
    NotGiven(String),
    #[error(
        "exports no {HANDLER} (or, for a rule without numbers, another of {HANDLERS}); export that interface (its one function is handle-mo), or nothing would ever call it"
    )]
    NoHandler,
    #[error("has a handler such as handle-mo, or an import, whose type differs from wit/plugin.wit: {0}")]
    WrongType(String),
    #[error("cannot be brought up: {0}; check its exports against wit/plugin.wit, and deadline_ms and memory_mib")]
    NoInstance(String),
}

const GIVEN: &str = "wasmsc:plugin@0.1 (invocation, device, outbox, state, shared-state, timers, config, log, http) and all of WASI 0.2 but HTTP, \
                     with no files, sockets, arguments or environment in it";
const HANDLER: &str = "wasmsc:plugin/mo-handler@0.1.0";
const PACKAGE: &str = "wasmsc:plugin/";
const HANDLERS: &str = "receipt-handler, timer-handler, http-handler, request-handler";
const INTERFACES: [&str; 11] = [
    "types",
    "invocation",
    "device",
    "outbox",
    "state-types",
    "state",
    "shared-state",
    "timers",
    "config",
    "log",
    "http",
];
const WASI: [&str; 6] = ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// Drafts of interfaces, which match by their exact version only.
const SHIMS: [&str; 5] = [
    "wasi:logging/logging@0.1.0-draft",
    "wasi:config/store@0.2.0-rc.1",
    "wasi:keyvalue/store@0.2.0-draft",
    "wasi:keyvalue/atomics@0.2.0-draft",
    "wasi:keyvalue/batch@0.2.0-draft",
];

pub fn check(component: &Component) -> Result<(), Misfit> {
    let component_type = component.component_type();
    let foreign =
        component_type.imports(component.engine()).map(|(name, _)| name.to_owned()).find(|name| !is_given(name));
    if let Some(name) = foreign {
        return Err(Misfit::NotGiven(name));
    }
    Ok(())
}

fn is_given(import: &str) -> bool {
    let ours = |rest: &str| {
        let (interface, version) = rest.split_once('@').unwrap_or((rest, ""));
        INTERFACES.contains(&interface) && version.starts_with("0.1.")
    };
    match import.strip_prefix(PACKAGE) {
        Some(rest) => ours(rest),
        None => WASI.iter().any(|prefix| import.starts_with(prefix)) || SHIMS.contains(&import),
    }
}
