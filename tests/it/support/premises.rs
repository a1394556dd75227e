//! The one way in which tests start a server in this process: port 0, a folder of its own, a config as text.

use std::path::Path;

use tempfile::TempDir;
use wasmsc::Server;
use wasmsc::config::Config;
use wasmsc::server::ServerError;

/// A folder with a data directory, and the config of the server that lives there.
pub struct Premises {
    folder: TempDir,
    /// Further lines of `[smpp]`.
    pub smpp: String,
    /// The tables behind it.
    pub tables: String,
    /// Lines above all tables.
    pub top: String,
}

impl Premises {
    pub fn new(smpp: impl Into<String>, tables: impl Into<String>) -> Premises {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Premises { folder, smpp: smpp.into(), tables: tables.into(), top: String::new() }
    }

    /// With further lines above all tables.
    pub fn above(mut self, lines: &str) -> Premises {
        self.top += lines;
        self
    }

    /// Temporary files of the test may live here, too.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The config file's text.
    pub fn text(&self) -> String {
        let data_dir = self.folder().join("data").display().to_string();
        format!(
            "data_dir = {data_dir:?}\nrule_threads = 2\n{}\
             [smpp]\nlisten = \"127.0.0.1:0\"\nsystem_id = \"wasmsc\"\n{}\n{}",
            self.top, self.smpp, self.tables
        )
    }

    fn config(&self) -> Config {
        Config::parse(&self.text(), Path::new("test.toml")).expect("the test's config is right")
    }

    /// On the same data every time.
    pub async fn start(&self) -> Result<Server, ServerError> {
        wasmsc::plugin::compile::compiler_is(env!("CARGO_BIN_EXE_wasmsc"));
        Server::start(self.config()).await
    }
}
