//! The crate rusmppc as an application.

use std::str::FromStr as _;

use anyhow::{Context, Result};
use futures::StreamExt as _;
use rusmpp::pdus::{BindTransceiver, DeliverSm, DeliverSmResp, SubmitSm};
use rusmpp::tlvs::{MessageSubmissionRequestTlvValue, TlvValue};
use rusmpp::types::{AnyOctetString, COctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, MessagePayload, Npi, RegisteredDelivery, Ton};
use rusmpp::{CommandId, Pdu};
use rusmppc::{Client, ConnectionBuilder, Event};
use wasmsc_interop::{Delivered, Esme, Inbox, NUMBER, Sms, scenario};

#[derive(Default)]
struct Rusmppc {
    inbox: Inbox,
    client: Option<Client>,
}

impl Esme for Rusmppc {
    async fn bind(&mut self, port: u16) -> Result<()> {
        let (client, mut events) = ConnectionBuilder::new().connect(format!("smpp://127.0.0.1:{port}")).await?;
        let bind = BindTransceiver::builder()
            .system_id(COctetString::from_str("app")?)
            .password(COctetString::from_str("secret")?)
            .build();
        client.bind_transceiver(bind).await?;
        self.client = Some(client.clone());

        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                let Event::Incoming(command) = event else {
                    println!("rusmppc: {event:?}");
                    continue;
                };
                if let Some(Pdu::DeliverSm(deliver_sm)) = command.pdu() {
                    inbox.lock().expect("no thread panics").push(read(deliver_sm));
                    let _ = client.deliver_sm_resp(command.sequence_number(), DeliverSmResp::default()).await;
                } else if command.id() == CommandId::EnquireLink {
                    let _ = client.enquire_link_resp(command.sequence_number()).await;
                }
            }
        });
        Ok(())
    }

    async fn submit(&mut self, device: &str, sms: &Sms) -> Result<String> {
        // The crate's own default has the bit of a delivery acknowledgement set: 0x08.
        let esm_class = EsmClass::default();
        let request = SubmitSm::builder()
            .source_addr(COctetString::from_str(NUMBER)?)
            .dest_addr_ton(Ton::International)
            .dest_addr_npi(Npi::Isdn)
            .destination_addr(COctetString::from_str(device)?)
            .esm_class(if sms.has_udh { esm_class.with_udhi_indicator() } else { esm_class })
            .data_coding(DataCoding::from(sms.data_coding))
            .registered_delivery(RegisteredDelivery::from(1));
        let request = match sms.in_payload {
            true => {
                let payload = MessagePayload::new(AnyOctetString::from_vec(sms.octets.clone()));
                request.push_tlv(MessageSubmissionRequestTlvValue::MessagePayload(payload))
            }
            false => request.short_message(OctetString::from_vec(sms.octets.clone())?),
        };
        let client = self.client.as_ref().context("not bound")?;
        let response = client.submit_sm(request.build()).await?;
        Ok(response.message_id().to_string())
    }

    async fn unbind(&mut self) -> Result<()> {
        let client = self.client.take().context("not bound")?;
        client.unbind().await?;
        client.close_and_wait().await?;
        Ok(())
    }

    fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }
}

fn read(deliver_sm: &DeliverSm) -> Delivered {
    let mut delivered = Delivered {
        source: deliver_sm.source_addr.to_string(),
        esm_class: deliver_sm.esm_class.into(),
        octets: deliver_sm.short_message().as_ref().to_vec(),
        receipted_message_id: None,
        message_state: None,
    };
    for tlv in deliver_sm.tlvs() {
        match tlv.value() {
            Some(TlvValue::ReceiptedMessageId(id)) => delivered.receipted_message_id = Some(id.to_string()),
            Some(TlvValue::MessageState(state)) => delivered.message_state = Some((*state).into()),
            _ => {}
        }
    }
    delivered
}

#[tokio::main]
async fn main() {
    scenario(Rusmppc::default()).await;
}
