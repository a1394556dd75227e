//! Components as they were compiled: loaded from our own files, and what they show of themselves.

use std::path::Path;

use wasmtime::component::Component;

use super::compile::NotCompiled;
use super::filling::Filling;
use super::host::PluginHost;

/// A component that is ready to be linked. Rules share it.
pub struct Compiled(pub(super) Component);

/// Names of the interfaces that a component has to do with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faces {
    pub exports: Vec<String>,
    pub imports: Vec<String>,
}

/// Why a compiled form is not in memory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// The process has as many files or mappings as it may have; the form is as good as before.
    #[error("the kernel has no room for another component: {0}")]
    NoRoom(String),
    #[error("{0}")]
    Unusable(String),
}

/// What Linux says then: ENOMEM, ENFILE, EMFILE. The engine has it in its words only.
const NO_ROOM: [&str; 3] = ["(os error 12)", "(os error 23)", "(os error 24)"];

impl NotOpened {
    fn of(why: String) -> NotOpened {
        match NO_ROOM.iter().any(|error| why.contains(error)) {
            true => NotOpened::NoRoom(why),
            false => NotOpened::Unusable(why),
        }
    }
}

impl PluginHost {
    /// Which engine a compiled form must be for.
    pub fn compatibility(&self) -> String {
        self.engines.compatibility()
    }

    /// Compiles in this process: for those who trust the component, such as its author.
    pub fn compile_here(&self, wasm: &[u8]) -> Result<Compiled, NotCompiled> {
        let component = Component::new(self.engines.of(Filling::of(wasm)), wasm);
        component.map(Compiled).map_err(|error| NotCompiled::NotAComponent(format!("{error:#}")))
    }

    /// `file` is one that [`PluginFiles`](super::PluginFiles) made.
    pub fn open(&self, file: &Path) -> Result<Compiled, NotOpened> {
        // SAFETY: what is mapped here must come from this very compiler and not change meanwhile. Such files are written by
        // our own process from a component, never taken from outside; they are in a folder that only the server's user may
        // enter, get their name when they are whole and on disk, and are never written again, only removed, which leaves a
        // mapping as it is. One of another version or with other settings is refused by what it says of itself.
        let open = |filling| unsafe { Component::deserialize_file(self.engines.of(filling), file) };
        let component = open(Filling::Copied).or_else(|_| open(Filling::Mapped)); // it says for which it is not
        component.map(Compiled).map_err(|error| NotOpened::of(format!("{error:#}")))
    }

    pub fn faces(&self, component: &Compiled) -> Faces {
        let (of, engine) = (component.0.component_type(), component.0.engine());
        let exports = of.exports(engine).map(|(name, _)| name.to_owned()).collect();
        let imports = of.imports(engine).map(|(name, _)| name.to_owned()).collect();
        Faces { exports, imports }
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::for_compiling;
    use super::*;
    use crate::config::Webhooks;

    #[test]
    fn a_compiled_form_is_opened_in_the_engine_that_it_is_for() {
        let host = PluginHost::new(1, Webhooks::default()).expect("an engine");
        let folder = tempfile::tempdir().expect("a folder");
        for (octets, filling) in [(1, Filling::Copied), (60_000, Filling::Mapped)] {
            let data = "x".repeat(octets);
            let text = format!("(component (core module (memory 1) (data (i32.const 0) \"{data}\")))");
            let wasm = wat::parse_str(text).expect("valid");
            let compiled = for_compiling(Filling::of(&wasm)).and_then(|engine| engine.precompile_component(&wasm));
            let file = folder.path().join("x.cwasm");
            std::fs::write(&file, compiled.expect("valid")).expect("written");
            let opened = host.open(&file).expect("it is of this very build");
            assert_eq!(host.engines.filling(&opened.0), filling);
        }
        let file = folder.path().join("y.cwasm");
        std::fs::write(&file, b"\x7fELF").expect("written");
        assert!(matches!(host.open(&file), Err(NotOpened::Unusable(_))));
    }

    #[test]
    fn a_process_that_is_full_is_told_from_a_file_that_is_wrong() {
        for (errno, is_no_room) in
            [(libc::EMFILE, true), (libc::ENFILE, true), (libc::ENOMEM, true), (libc::ENOENT, false)]
        {
            let why = format!("failed to open file: {}", std::io::Error::from_raw_os_error(errno));
            assert_eq!(matches!(NotOpened::of(why.clone()), NotOpened::NoRoom(_)), is_no_room, "{why}");
        }
    }
}
