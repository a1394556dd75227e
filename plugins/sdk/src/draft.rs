//! A message with options.

use std::time::Duration;

use crate::Context;
use crate::error::SendError;
use crate::message::{Body, millis};

/// A message that is not sent yet. Nothing is checked before [`send`](Self::send).
///
/// ```
/// # use std::time::Duration;
/// # use wasmsc_plugin::{Context, Draft, Failure};
/// # fn remind(cx: &mut Context<'_>) -> Result<(), Failure> {
/// Draft::new(cx.msisdn(), "See you tomorrow at 9:30").tag("reminder").delay(Duration::from_secs(3600)).request_receipt().send(cx)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a draft is sent by `send`"]
pub struct Draft {
    pub to: String,
    pub body: Body,
    pub sender: Option<String>,
    pub tag: Option<String>,
    pub validity_ms: Option<u64>,
    pub delay_ms: Option<u64>,
    pub priority: Option<u8>,
    pub wants_receipt: bool,
    pub tlvs: Vec<(u16, Vec<u8>)>,
}

impl Draft {
    /// To a device, such as `cx.msisdn()`, or another permitted address; from the number that `reply` would use.
    pub fn new(to: impl Into<String>, body: impl Into<Body>) -> Draft {
        Draft {
            to: to.into(),
            body: body.into(),
            sender: None,
            tag: None,
            validity_ms: None,
            delay_ms: None,
            priority: None,
            wants_receipt: false,
            tlvs: Vec::new(),
        }
    }

    /// A number of the customer, or one of its alphanumeric senders.
    pub fn sender(mut self, sender: impl Into<String>) -> Draft {
        self.sender = Some(sender.into());
        self
    }

    /// Comes back in the receipt, and is shown in the message log. At most 64 octets.
    pub fn tag(mut self, tag: impl Into<String>) -> Draft {
        self.tag = Some(tag.into());
        self
    }

    /// How long delivery is tried, from when it may leave; the customer's limit holds. At most 366 days.
    pub fn validity(mut self, validity: Duration) -> Draft {
        self.validity_ms = Some(millis(validity));
        self
    }

    /// Not before this has passed; at most 366 days.
    pub fn delay(mut self, delay: Duration) -> Draft {
        self.delay_ms = Some(millis(delay));
        self
    }

    /// 0 (bulk) to 3 (before all others, which it is without this); more counts as 3.
    pub fn priority(mut self, priority: u8) -> Draft {
        self.priority = Some(priority);
        self
    }

    /// [`ReceiptHandler`](crate::ReceiptHandler) is called when the message has come to its end.
    pub fn request_receipt(mut self) -> Draft {
        self.wants_receipt = true;
        self
    }

    /// An optional parameter that goes out with the message (SMPP 3.4 §5.3): a vendor's, 0x1400 to 0x3FFF.
    /// All together have at most 256 octets; a tag that is there already gets the new value.
    pub fn tlv(mut self, tag: u16, value: impl Into<Vec<u8>>) -> Draft {
        self.tlvs.retain(|(of, _)| *of != tag);
        self.tlvs.push((tag, value.into()));
        self
    }

    /// Returns the new message's id.
    pub fn send(self, cx: &mut Context<'_>) -> Result<String, SendError> {
        cx.send_draft(&self)
    }
}
