//! `outbox`: messages that leave after the commit.

use wasmtime::component::Resource;

use super::Call;
use crate::message::Address;
use crate::plugin::bindings::wasmsc::plugin::outbox::{Body as WitBody, Host, HostDraft, SendError as WitError};
use crate::plugin::outbox::{Body, Draft, SendError, Wishes};

type Sent = Result<String, WitError>;

impl Host for Call {
    fn reply(&mut self, body: WitBody) -> wasmtime::Result<Sent> {
        let device = self.device.clone();
        Ok(self.take(&device, &into_body(body), Wishes::default()))
    }

    fn send(&mut self, to: String, body: WitBody) -> wasmtime::Result<Sent> {
        Ok(self.take_to(&to, &into_body(body), Wishes::default()))
    }
}

impl HostDraft for Call {
    fn new(&mut self, to: String, body: WitBody) -> wasmtime::Result<Resource<Draft>> {
        let draft = Draft { to, body: into_body(body), wishes: Wishes::default() };
        Ok(self.drafts.push(draft)?)
    }

    fn set_sender(&mut self, draft: Resource<Draft>, sender: String) -> wasmtime::Result<()> {
        self.wishes(&draft)?.sender = Some(sender);
        Ok(())
    }

    fn set_tag(&mut self, draft: Resource<Draft>, tag: String) -> wasmtime::Result<()> {
        self.wishes(&draft)?.tag = tag;
        Ok(())
    }

    fn set_validity_ms(&mut self, draft: Resource<Draft>, validity: u64) -> wasmtime::Result<()> {
        self.wishes(&draft)?.validity_ms = Some(validity);
        Ok(())
    }

    fn set_delay_ms(&mut self, draft: Resource<Draft>, delay: u64) -> wasmtime::Result<()> {
        self.wishes(&draft)?.delay_ms = delay;
        Ok(())
    }

    fn set_priority(&mut self, draft: Resource<Draft>, priority: u8) -> wasmtime::Result<()> {
        self.wishes(&draft)?.priority = Some(priority);
        Ok(())
    }

    fn request_receipt(&mut self, draft: Resource<Draft>) -> wasmtime::Result<()> {
        self.wishes(&draft)?.wants_receipt = true;
        Ok(())
    }

    fn set_tlv(&mut self, draft: Resource<Draft>, tag: u16, value: Vec<u8>) -> wasmtime::Result<()> {
        let tlvs = &mut self.wishes(&draft)?.tlvs;
        tlvs.retain(|(of, _)| *of != tag);
        tlvs.push((tag, value.into()));
        Ok(())
    }

    fn send(&mut self, draft: Resource<Draft>) -> wasmtime::Result<Sent> {
        let Draft { to, body, wishes } = self.drafts.delete(draft)?;
        Ok(self.take_to(&to, &body, wishes))
    }

    fn drop(&mut self, draft: Resource<Draft>) -> wasmtime::Result<()> {
        self.drafts.delete(draft)?;
        Ok(())
    }
}

impl Call {
    fn wishes(&mut self, draft: &Resource<Draft>) -> wasmtime::Result<&mut Wishes> {
        Ok(&mut self.drafts.get_mut(draft)?.wishes)
    }

    fn take_to(&mut self, to: &str, body: &Body, wishes: Wishes) -> Sent {
        match Address::parse(to) {
            Ok(address) => self.take(&address, body, wishes),
            Err(_) => Err(WitError::InvalidAddress),
        }
    }

    fn take(&mut self, to: &Address, body: &Body, wishes: Wishes) -> Sent {
        self.outbox.send(to, body, wishes).map(|id| id.to_string()).map_err(into_wit)
    }
}

fn into_body(body: WitBody) -> Body {
    match body {
        WitBody::Text(text) => Body::Text(text),
        WitBody::Binary(octets) => Body::Binary(octets),
    }
}

fn into_wit(error: SendError) -> WitError {
    match error {
        SendError::NotPermitted(why) => WitError::NotPermitted(why),
        SendError::TooLong => WitError::TooLong,
        SendError::QuotaExceeded => WitError::QuotaExceeded,
        SendError::InvalidAddress(_) => WitError::InvalidAddress,
        other => WitError::Other(other.to_string()),
    }
}
