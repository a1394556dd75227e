//! Every refusal of the firewall: its code, what a peer hears, what an HTTP sender hears, and what to do.
//!
//! `docs/FIREWALL.md` lists them; a test compares. Codes are for programs and never change their meaning.

use std::fmt;

use wasmsc_smpp::CommandStatus;

use super::packet::Kind;

/// Whose policy, or which end, is the reason: that of who sends, or of who is to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Sender,
    Receiver,
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Side::Sender => "sender",
            Side::Receiver => "receiver",
        }
    }

    pub fn other(self) -> Side {
        match self {
            Side::Sender => Side::Receiver,
            Side::Receiver => Side::Sender,
        }
    }
}

/// What a sender of SMPP hears, where it depends on the side that refused.
#[derive(Clone, Copy)]
enum Status {
    Always(CommandStatus),
    /// The address of the side that refused is at fault: it is switched off.
    OwnAddress,
    /// The address of the other side is at fault: this side will not talk to it.
    OtherAddress,
    /// All that the customer sends has to wait.
    Throttled,
}

use Status::{Always, OtherAddress, OwnAddress, Throttled};

// SMPP 3.4 has no status for "policy"; the generic one is permanent, so that senders do not try again.
const POLICY: Status = Always(CommandStatus::ESME_RSUBMITFAIL);
const SOURCE: Status = Always(CommandStatus::ESME_RINVSRCADR);
const DESTINATION: Status = Always(CommandStatus::ESME_RINVDSTADR);
// Temporary, and about this message alone: on ESME_RTHROTTLED a peer pauses its whole link.
const THIS_ONE_LATER: Status = Always(CommandStatus::ESME_RX_T_APPN);

macro_rules! reasons {
    ($($variant:ident, $code:literal, $status:expr, $http:literal, $advice:literal;)*) => {
        /// Why the firewall refuses a message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $(#[doc = $advice] $variant,)*
        }

        impl Reason {
            pub const ALL: &[Reason] = &[$(Reason::$variant,)*];

            /// Stable: logs, the message log and problem details carry it.
            pub fn code(self) -> &'static str {
                match self {
                    $(Reason::$variant => $code,)*
                }
            }

            /// Status for a sender over HTTP.
            pub fn http_status(self) -> u16 {
                match self {
                    $(Reason::$variant => $http,)*
                }
            }

            /// One sentence for people: what is the matter, and what to do.
            pub fn advice(self) -> &'static str {
                match self {
                    $(Reason::$variant => $advice,)*
                }
            }

            fn status(self) -> Status {
                match self {
                    $(Reason::$variant => $status,)*
                }
            }
        }
    };
}

reasons! {
    SourceForged, "source_forged", SOURCE, 403,
        "The account carries no messages of this source; send from its ranges, or add the source to the account.";
    SenderNotAllowed, "sender_not_allowed", SOURCE, 403,
        "The source is neither a number nor an allowed name of this customer; send from one of those, or add it.";
    UnknownDestination, "unknown_destination", DESTINATION, 404,
        "Nobody here has this destination; check it, or register the device or number first.";
    KeywordUnclaimed, "keyword_unclaimed", DESTINATION, 404,
        "Several customers share the number, and the first word of the text is nobody's; begin with a word that is somebody's.";
    FirstPartMissing, "first_part_missing", THIS_ONE_LATER, 429,
        "Several customers share the number, and whose a long message is stands in its first part; send this one after that.";
    NotADevice, "not_a_device", DESTINATION, 422,
        "The destination is a customer's number, and only devices send to numbers; send to a device.";
    RuleToRule, "rule_to_rule", DESTINATION, 422,
        "A rule's message never starts another rule; let the rule answer the device instead.";
    DeviceSuspended, "device_suspended", OwnAddress, 403,
        "The device is suspended; resume it before it sends or receives again.";
    LoopCut, "loop_cut", THIS_ONE_LATER, 429,
        "These two answered each other again and again and are cut off for a while; mend the automaton at one end.";
    MessagingOff, "messaging_off", OwnAddress, 403,
        "Messaging is off for this end; set messaging to both, a2p_only or p2p_only in its policy.";
    A2pOff, "a2p_off", OwnAddress, 403,
        "Messages between devices and applications are off for this end; change messaging or a2p in its policy.";
    A2pOwnOnly, "a2p_own_only", OtherAddress, 403,
        "Devices and numbers message only within their own customer here; set a2p to open to allow others.";
    A2pForeignOnly, "a2p_foreign_only", OtherAddress, 403,
        "Devices and numbers message only with those of others here; set a2p to open to allow the customer's own.";
    P2pOff, "p2p_off", DESTINATION, 403,
        "Messages between devices are off for this end; change messaging or p2p in its policy.";
    P2pOwnOnly, "p2p_own_only", OtherAddress, 403,
        "Devices message only devices of their own customer here; set p2p to open to allow others.";
    P2pForeignOnly, "p2p_foreign_only", OtherAddress, 403,
        "Devices message only devices of others here; set p2p to open to allow the customer's own.";
    P2pNoIncoming, "p2p_no_incoming", OwnAddress, 403,
        "The device receives nothing from other devices; set p2p to open to allow it.";
    P2pNoOutgoing, "p2p_no_outgoing", OwnAddress, 403,
        "The device sends nothing to other devices; set p2p to open to allow it.";
    BlockedSource, "blocked_source", SOURCE, 403,
        "The source is on the receiver's block list; remove it from sources.block to let it through.";
    BlockedDestination, "blocked_destination", DESTINATION, 403,
        "The destination is on the sender's block list; remove it from destinations.block to let it through.";
    NotOnAllowList, "not_on_allow_list", OtherAddress, 403,
        "There is an allow list and this address is not on it; add it, or empty the list to allow all.";
    ContentBlocked, "content_blocked", POLICY, 422,
        "The text matches a content pattern of the policy; change the text or the pattern.";
    OptedOut, "opted_out", POLICY, 403,
        "The device opted out of messages from this number; it has to send START to that number first.";
    RateDevice, "rate_device", THIS_ONE_LATER, 429,
        "This device has more messages a minute than its policy allows; send again later, or raise the rate.";
    RateCustomer, "rate_customer", Throttled, 429,
        "This customer has more messages a minute than its policy allows; send again later, or raise the rate.";
    QuotaDevice, "quota_device", THIS_ONE_LATER, 429,
        "This device has used up its messages of the day; send again after midnight UTC, or raise the quota.";
    QuotaCustomer, "quota_customer", Throttled, 429,
        "This customer has used up its messages of the day; send again after midnight UTC, or raise the quota.";
}

impl Reason {
    /// What an SMPP sender hears when the policy, or the end, of `side` refused a message of this kind.
    pub fn command_status(self, side: Side, kind: Kind) -> CommandStatus {
        let address_of = |side| match side {
            Side::Sender => CommandStatus::ESME_RINVSRCADR,
            Side::Receiver => CommandStatus::ESME_RINVDSTADR,
        };
        match self.status() {
            Always(status) => status,
            OwnAddress => address_of(side),
            OtherAddress => address_of(side.other()),
            // The link of a network account carries other customers' devices too, and must not pause for one.
            Throttled if kind == Kind::Mt => CommandStatus::ESME_RTHROTTLED,
            Throttled => CommandStatus::ESME_RX_T_APPN,
        }
    }

    pub fn from_code(code: &str) -> Option<Reason> {
        Reason::ALL.iter().copied().find(|reason| reason.code() == code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
