//! `invocation`: facts about this call.

use wasmsc_smpp::segment::{self, Style};

use super::Call;
use crate::clock;
use crate::message::Content;
use crate::plugin::bindings::wasmsc::plugin::invocation::Host;
use crate::plugin::invocation::RANDOM_OCTETS;

impl Host for Call {
    fn id(&mut self) -> wasmtime::Result<String> {
        Ok(self.id.to_string())
    }

    fn attempt(&mut self) -> wasmtime::Result<u32> {
        Ok(self.attempt)
    }

    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.now.0)
    }

    fn remaining_ms(&mut self) -> wasmtime::Result<u32> {
        let left = self.deadline.saturating_duration_since(clock::instant());
        Ok(u32::try_from(left.as_millis()).unwrap_or(u32::MAX))
    }

    fn random_bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        if count > RANDOM_OCTETS {
            return Err(wasmtime::Error::msg(format!(
                "random-bytes: at most {RANDOM_OCTETS} at once, {count} asked for"
            )));
        }
        let mut octets = vec![0; count as usize];
        self.random.fill(&mut octets);
        Ok(octets)
    }

    fn data_coding(&mut self) -> wasmtime::Result<Option<u8>> {
        Ok(self.content.as_ref().map(|content| content.data_coding))
    }

    fn segments(&mut self) -> wasmtime::Result<u32> {
        Ok(self.content.as_ref().map_or(0, segments))
    }

    fn tlv(&mut self, tag: u16) -> wasmtime::Result<Option<Vec<u8>>> {
        let found = self.content.as_ref().and_then(|content| content.tlv(tag));
        Ok(found.map(|value| value.to_vec()))
    }
}

/// The message was joined when its last part came.
fn segments(content: &Content) -> u32 {
    let (udh, octets) = content.split_udh();
    segment::parts_needed(content.data_coding(), &udh, &octets, Style::Udh16).max(1) as u32
}
