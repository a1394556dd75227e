//! `Idempotency-Key`: a request that came twice is done once.

use axum::http::HeaderMap;
use sha2::{Digest, Sha256};

use super::error::{Code, Problem};

const HEADER: &str = "idempotency-key";
const MAX_OCTETS: usize = 255;

/// The hash of a request's key, if it has one.
pub fn key(headers: &HeaderMap) -> Result<Option<[u8; 32]>, Problem> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let octets = value.as_bytes();
    if octets.is_empty() || octets.len() > MAX_OCTETS || !octets.iter().all(u8::is_ascii_graphic) {
        let detail = format!("Idempotency-Key has 1 to {MAX_OCTETS} visible ASCII characters");
        return Err(Problem::new(Code::MalformedRequest, detail));
    }
    Ok(Some(Sha256::digest(octets).into()))
}

/// Octets that name what a request made, the same for the same key of a customer.
pub fn name<const N: usize>(customer: &str, key: &[u8; 32]) -> [u8; N] {
    let digest = Sha256::new().chain_update(key).chain_update(customer).finalize();
    std::array::from_fn(|index| digest[index])
}
