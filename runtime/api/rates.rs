//! How many requests each customer may make in a second, so that none of them keeps the server busy alone.

use std::time::Instant;

use parking_lot::Mutex;

use super::error::{Code, Problem};
use crate::bucket::{Bucket, Rate};
use crate::route::CustomerIndex;
use crate::slots::Slots;

pub struct Rates {
    rate: Rate,
    buckets: Slots<Mutex<Option<Bucket>>>,
}

impl Rates {
    pub fn new(per_sec: u32) -> Rates {
        Rates { rate: Rate { per_sec, burst: per_sec }, buckets: Slots::default() }
    }

    /// One more request. There is room again within a second, which is what Retry-After says.
    pub fn take(&self, customer: CustomerIndex, now: Instant) -> Result<(), Problem> {
        let mut bucket = self.buckets.at(customer.0).lock();
        if bucket.get_or_insert_with(|| Bucket::new(self.rate)).take(now) {
            return Ok(());
        }
        let detail = format!(
            "the keys of a customer may make {} requests in a second together; the operator can allow more with \
             requests_per_sec of [api]",
            self.rate.per_sec
        );
        Err(Problem::new(Code::TooManyRequests, detail))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;

    #[test]
    fn a_customer_that_asks_too_often_is_refused_and_no_other() {
        let (rates, now) = (Rates::new(2), clock::instant());
        let [busy, other] = [CustomerIndex(0), CustomerIndex(1)];
        let taken = (0..5).filter(|_| rates.take(busy, now).is_ok()).count();
        assert_eq!(taken, 2);
        assert!(rates.take(other, now).is_ok());
        assert!(rates.take(busy, now + Duration::from_secs(1)).is_ok(), "as Retry-After says");
    }
}
