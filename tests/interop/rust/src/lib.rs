//! What the Rust stacks of the interop matrix share; `tests/interop/helper.py` says what the lines mean.

mod text;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::{sleep, timeout};

pub use text::Sms;

const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);
pub const NUMBER: &str = "7001";
const RECEIPT: u8 = 0x04; // esm_class
const DELIVERED: u8 = 2; // message_state

/// A deliver_sm, as far as it matters here.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub source: String,
    pub esm_class: u8,
    pub octets: Vec<u8>,
    pub receipted_message_id: Option<String>,
    pub message_state: Option<u8>,
}

/// Everything that was delivered, filled by the stack's own task.
pub type Inbox = Arc<Mutex<Vec<Delivered>>>;

/// A stack, bound as an application.
#[allow(async_fn_in_trait, reason = "called from this crate only")]
pub trait Esme {
    async fn bind(&mut self, port: u16) -> Result<()>;
    /// Submits with registered_delivery 1 and returns the message id.
    async fn submit(&mut self, device: &str, sms: &Sms) -> Result<String>;
    async fn unbind(&mut self) -> Result<()>;
    fn inbox(&self) -> Inbox;
}

/// What every ESME does: the same as `scenario` in helper.py.
pub async fn scenario(mut esme: impl Esme) {
    let mut args = std::env::args().skip(1);
    let port = args.next().and_then(|port| port.parse().ok()).expect("the first argument is a port");
    let device = args.next().expect("the second argument is a device");
    let device = device.trim_start_matches('+');

    if !step("bind", esme.bind(port)).await {
        std::process::exit(1);
    }
    let inbox = esme.inbox();
    step("receipt", send(&mut esme, device, &[Sms::plain()])).await;
    step("mo", take_mo(&inbox, device)).await;
    step("parts", send(&mut esme, device, &Sms::parts())).await;
    step("ucs2", send(&mut esme, device, &[Sms::ucs2()])).await;
    step("payload", send(&mut esme, device, &[Sms::payload()])).await;
    step("unbind", esme.unbind()).await;
}

async fn step(name: &str, run: impl Future<Output = Result<()>>) -> bool {
    let result = timeout(2 * PATIENCE, run).await.context("takes too long").flatten();
    match &result {
        Ok(()) => println!("step {name} ok"),
        Err(error) => println!("step {name} FAILED {}", format!("{error:#}").replace('\n', " ")),
    }
    result.is_ok()
}

async fn send(esme: &mut impl Esme, device: &str, messages: &[Sms]) -> Result<()> {
    let mut ids = Vec::new();
    for sms in messages {
        ids.push(esme.submit(device, sms).await?);
    }
    for id in ids {
        let prefix = format!("id:{id} sub:001 dlvrd:001 submit date:");
        let receipt = until(&esme.inbox(), |delivered| delivered.octets.starts_with(prefix.as_bytes()))
            .await
            .with_context(|| format!("no receipt for {id}"))?;
        let text = String::from_utf8_lossy(&receipt.octets);
        ensure!(text.contains(" stat:DELIVRD err:000 text:"), "receipt {text}");
        ensure!(receipt.esm_class == RECEIPT, "esm_class {:#04x}", receipt.esm_class);
        ensure!(receipt.source.trim_start_matches('+') == device, "source {}", receipt.source);
        let tlvs = (receipt.receipted_message_id.as_deref(), receipt.message_state);
        ensure!(tlvs == (Some(id.as_str()), Some(DELIVERED)), "TLVs {tlvs:?}");
    }
    Ok(())
}

async fn take_mo(inbox: &Inbox, device: &str) -> Result<()> {
    let from_device = |d: &Delivered| d.source.trim_start_matches('+') == device && d.esm_class & RECEIPT == 0;
    let mo = until(inbox, from_device).await.context("no MO")?;
    ensure!(mo.octets == text::mo(), "octets {:02x?}", mo.octets);
    Ok(())
}

async fn until(inbox: &Inbox, is_it: impl Fn(&Delivered) -> bool) -> Result<Delivered> {
    let found = || inbox.lock().expect("no thread panics").iter().find(|delivered| is_it(delivered)).cloned();
    timeout(PATIENCE, async {
        loop {
            match found() {
                Some(delivered) => return delivered,
                None => sleep(POLL).await,
            }
        }
    })
    .await
    .context("not within 10 s")
}
