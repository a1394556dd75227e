//! Backups, for the operator: a copy of the store beside the traffic, in the folder that the config names.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;
use wasmsc_smpp::time::format_absolute;

use super::Api;
use super::auth::Caller;
use super::body::Reply;
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::rfc3339::Time;
use crate::clock;
use crate::message::Timestamp;
use crate::store::backup::BackupError;

/// A backup that is whole and on disk.
#[derive(Serialize, ToSchema)]
pub struct Backup {
    /// On the server.
    #[schema(example = "/var/backups/wasmsc/20261123T153000Z")]
    directory: String,
    octets: u64,
    /// All that was acknowledged before this is in it.
    made_at: Time,
}

/// Makes a backup of everything but the config, the rules that it declares, and the operator's token. It is whole when this answers,
/// which takes as long as the disk needs to read and write the store.
#[utoipa::path(
    post, path = "/v1/backup", operation_id = "makeBackup", tag = "operation",
    responses(
        (status = 201, description = "Made, and durable", body = Backup),
        (status = 404, description = "For a key: only the operator has this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "One is being made already, or the config names no folder for backups",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn make(State(api): State<Arc<Api>>, caller: Caller) -> Answer<impl IntoResponse> {
    caller.must_be_operator()?;
    let no_folder = || Problem::new(Code::NoBackupDir, "set backup_dir in [api], then restart");
    let parent = api.backup_dir.clone().ok_or_else(no_folder)?;
    let now = clock::now();
    let made = {
        let api = api.clone();
        tokio::task::spawn_blocking(move || {
            api.house.store.backup(&api.setup.file().data_dir, &parent, &name(now), now)
        })
        .await
    };
    let made = made.map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    let made = made.map_err(|error| {
        tracing::error!("no backup was made: {error}");
        let code = if matches!(error, BackupError::Running) { Code::BackupRunning } else { Code::BackupFailed };
        Problem::new(code, error.to_string())
    })?;
    tracing::info!(directory = %made.directory.display(), octets = made.octets, "backup made");
    let backup = Backup { directory: made.directory.display().to_string(), octets: made.octets, made_at: now.into() };
    Ok((StatusCode::CREATED, Reply(backup)))
}

/// `20261123T153000.250Z`: sorts by time, and two of one second differ.
fn name(now: Timestamp) -> String {
    let digits = String::from_utf8_lossy(&format_absolute(now.0)).into_owned();
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    format!("20{}T{}.{:03}Z", part(0, 6), part(6, 12), now.0 % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time() {
        assert_eq!(name(Timestamp(1_795_447_800_250)), "20261123T153000.250Z");
    }
}
