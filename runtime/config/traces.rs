//! `[traces]`: where traces of messages go. Without the table they go nowhere, and cost nothing.

use std::collections::BTreeMap;
use std::fmt;

use axum::http::{HeaderName, HeaderValue};
use serde::Deserialize;

use crate::target::{ANYWHERE, Target};

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// Where a collector takes OTLP over HTTP, such as "http://127.0.0.1:4318/v1/traces".
    pub endpoint: String,
    /// Sent with each request, such as an API key of the collector.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// `service.name` of what is sent.
    #[serde(default = "usual_name")]
    pub service_name: String,
    /// Of how many messages: 1.0 all, 0.1 every tenth. A message and what its rule sends are one choice.
    #[serde(default = "usual_sample")]
    pub sample: f64,
}

fn usual_name() -> String {
    "wasmsc".to_owned()
}

fn usual_sample() -> f64 {
    1.0
}

impl Traces {
    /// An error says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        Target::parse(&self.endpoint, ANYWHERE).map_err(|error| format!("endpoint {:?}: {error}", self.endpoint))?;
        for (name, value) in &self.headers {
            let is_sound = HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok();
            if !is_sound {
                return Err(format!("headers: {name:?} cannot be sent; a name has no spaces, a value no line breaks"));
            }
        }
        if !(0.0..=1.0).contains(&self.sample) {
            return Err(format!("sample is from 0.0 (none) to 1.0 (all), not {}", self.sample));
        }
        Ok(())
    }
}

/// Headers are secrets.
impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&String> = self.headers.keys().collect();
        let Traces { endpoint, service_name, sample, .. } = self;
        f.debug_struct("Traces")
            .field("endpoint", endpoint)
            .field("headers", &headers)
            .field("service_name", service_name)
            .field("sample", sample)
            .finish()
    }
}
