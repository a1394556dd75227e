//! Why a command of the API was not done, and the exit code that says so to scripts.

use std::fmt;
use std::process::ExitCode;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

/// Each has an exit code; 0 is success.
#[derive(Debug)]
pub enum Failure {
    /// The command went wrong on this side: 1.
    Failed(String),
    /// Its arguments make no sense: 2, as for arguments that cannot be read.
    Usage(String),
    /// The server answered, and would not: 3.
    Refused(Refusal),
    /// No answer came: 4.
    Unreachable(String),
}

/// Problem details, as the API sends them.
#[derive(Debug, Deserialize)]
pub struct Refusal {
    status: u16,
    code: String,
    detail: String,
    field: Option<String>,
}

impl Refusal {
    pub fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// As `route:explain` tells it; None: the message would pass.
    pub fn told(refusal: &Value) -> Option<Refusal> {
        let text = |name: &str| refusal[name].as_str().map(str::to_owned);
        let status = u16::try_from(refusal["http_status"].as_u64()?).ok()?;
        Some(Refusal { status, code: text("code")?, detail: text("advice")?, field: None })
    }

    /// What stands before the API may answer in words of its own.
    pub fn read(status: StatusCode, body: &[u8]) -> Refusal {
        serde_json::from_slice(body).unwrap_or_else(|_| Refusal {
            status: status.as_u16(),
            code: "unknown".to_owned(),
            detail: status.canonical_reason().unwrap_or("no word of it").to_owned(),
            field: None,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Failed(why) | Failure::Usage(why) => f.write_str(why),
            Failure::Unreachable(why) => write!(f, "not reachable: {why}"),
            Failure::Refused(Refusal { status, code, detail, field }) => {
                let field = field.as_ref().map(|field| format!(" ({field})")).unwrap_or_default();
                write!(f, "refused: {detail}{field} [{status} {code}]")
            }
        }
    }
}

/// Says on stderr what went wrong.
pub fn exit(result: Result<(), Failure>) -> ExitCode {
    let Err(failure) = result else { return ExitCode::SUCCESS };
    eprintln!("wasmsc: {failure}");
    ExitCode::from(match failure {
        Failure::Failed(_) => 1,
        Failure::Usage(_) => 2,
        Failure::Refused(_) => 3,
        Failure::Unreachable(_) => 4,
    })
}
