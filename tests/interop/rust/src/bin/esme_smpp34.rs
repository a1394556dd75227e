//! The crate smpp34 as an application.

use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use smpp34::client::{BIND_TYPE, SMSC, SmppClient, SmppClientListener};
use smpp34::{SmppConnectionInformation, TlvList, TlvTag, deliver_sm, deliver_sm_resp};
use tokio::sync::mpsc;
use wasmsc_interop::{Delivered, Esme, Inbox, NUMBER, Sms, scenario};

struct Listener {
    bound: mpsc::Sender<SMSC>,
    inbox: Inbox,
}

#[async_trait]
impl SmppClientListener for Listener {
    async fn on_smsc_bound(&self, smsc: SMSC, _session_id: &String) {
        let _ = self.bound.send(smsc).await;
    }

    async fn on_deliver_sm(
        &self,
        request: deliver_sm,
        _connection: &SmppConnectionInformation,
        _session_id: &String,
    ) -> deliver_sm_resp {
        self.inbox.lock().expect("no thread panics").push(Delivered {
            source: request.source_addr.clone(),
            esm_class: request.esm_class,
            octets: request.short_message.clone(),
            receipted_message_id: request.tlvs.receipted_message_id(),
            message_state: request.tlvs.message_state(),
        });
        request.accept()
    }
}

#[derive(Default)]
struct Smpp34 {
    inbox: Inbox,
    session: Option<(SmppClient, SMSC)>,
}

impl Esme for Smpp34 {
    async fn bind(&mut self, port: u16) -> Result<()> {
        let (bound, mut is_bound) = mpsc::channel(1);
        let listener = Arc::new(Listener { bound, inbox: self.inbox.clone() });
        let (host, user, password, empty) = ("127.0.0.1".into(), "app".into(), "secret".into(), String::new);
        let mut client =
            SmppClient::new(host, port, false, BIND_TYPE::TRX, user, password, empty(), 0, 0, empty(), listener, 10);
        client.start().await;
        let smsc = is_bound.recv().await.context("not bound")?;
        self.session = Some((client, smsc));
        Ok(())
    }

    async fn submit(&mut self, device: &str, sms: &Sms) -> Result<String> {
        let (_, smsc) = self.session.as_ref().context("not bound")?;
        let request = smsc
            .submit_sm()
            .source_addr(NUMBER)
            .dest_addr_ton(1)
            .dest_addr_npi(1)
            .destination_addr(device)
            .esm_class(if sms.has_udh { 0x40 } else { 0 })
            .data_coding(sms.data_coding)
            .registered_delivery(1);
        let request = match sms.in_payload {
            true => request.tlv(TlvTag::MessagePayload, sms.octets.clone()),
            false => request.short_message(sms.octets.clone()),
        };
        let response = request.send().await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        response.message_id.context("no message id")
    }

    async fn unbind(&mut self) -> Result<()> {
        let (mut client, smsc) = self.session.take().context("not bound")?;
        smsc.send_unbind().await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        client.stop().await;
        Ok(())
    }

    fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }
}

#[tokio::main]
async fn main() {
    scenario(Smpp34::default()).await;
}
