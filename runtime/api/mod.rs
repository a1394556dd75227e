//! The REST API, v1: HTTP in, calls of the relay and of the store's control objects, JSON out.
//!
//! An edge, beside `link`: it decides who asks and whether the request can be read; what may happen to a
//! message is the relay's matter. `error` alone turns our errors into HTTP. No handler answers 2xx before
//! what it did is synced.


mod error;
mod router;
mod serve;

use std::sync::Arc;

use crate::relay::House;

pub use serve::Server;

/// What every request may need.
pub struct Api {
    house: Arc<House>,
    body_max_octets: usize,
}
