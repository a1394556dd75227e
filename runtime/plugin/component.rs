//! Components as they were compiled: loaded from our own files, and what they show of themselves.

use std::path::Path;

use wasmtime::component::Component;

use super::compile::NotCompiled;
use super::engine;
use super::host::PluginHost;

/// A component that is ready to be linked. Rules share it.
pub struct Compiled(pub(super) Component);

/// Names of the interfaces that a component has to do with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faces {
    pub exports: Vec<String>,
    pub imports: Vec<String>,
}

impl PluginHost {
    /// Which engine a compiled form must be for.
    pub fn compatibility(&self) -> String {
        engine::compatibility(&self.engine)
    }

    /// Compiles in this process: for those who trust the component, such as its author.
    pub fn compile_here(&self, wasm: &[u8]) -> Result<Compiled, NotCompiled> {
        let component = Component::new(&self.engine, wasm);
        component.map(Compiled).map_err(|error| NotCompiled::NotAComponent(format!("{error:#}")))
    }

    /// `file` is one that [`PluginFiles`](super::PluginFiles) made.
    pub fn open(&self, file: &Path) -> Result<Compiled, String> {
        // SAFETY: what is mapped here must come from this very compiler and not change meanwhile. Such files are written by
        // our own process from a component, never taken from outside; they are in a folder that only the server's user may
        // enter, get their name when they are whole and on disk, and are never written again, only removed, which leaves a
        // mapping as it is. One of another version or with other settings is refused by what it says of itself.
        let component = unsafe { Component::deserialize_file(&self.engine, file) };
        component.map(Compiled).map_err(|error| format!("{error:#}"))
    }

    pub fn faces(&self, component: &Compiled) -> Faces {
        let of = component.0.component_type();
        let exports = of.exports(&self.engine).map(|(name, _)| name.to_owned()).collect();
        let imports = of.imports(&self.engine).map(|(name, _)| name.to_owned()).collect();
        Faces { exports, imports }
    }
}
