//! Sessions under test: one against hand-written octets, or two face to face, in virtual time.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use wasmsc_smpp::{Bind, BindMode, Body, CommandStatus, Event, InterfaceVersion, Session, SessionConfig, Sm};

/// `bind_transceiver`, sequence 1, system_id "esme", password "pw", version 3.4.
pub const BIND: &str = "0000001D 00000009 00000000 00000001 65736D65 00 7077 00 00 34 01 01 00 ";
/// Its response by "smsc", with sc_interface_version.
pub const BIND_RESP: &str = "0000001A 80000009 00000000 00000001 736D7363 00 0210 0001 34";
/// `submit_sm`, sequence 2, to 38599000111, text "hi".
pub const SUBMIT: &str = "0000002E 00000004 00000000 00000002 \
    00 00 00 00 01 01 3338353939303030313131 00 00 00 00 00 00 00 00 00 00 02 6869 ";
/// The same `deliver_sm`.
pub const DELIVER: &str = "0000002E 00000005 00000000 00000002 \
    00 00 00 00 01 01 3338353939303030313131 00 00 00 00 00 00 00 00 00 00 02 6869 ";

/// One session and the octets between it and a peer written by hand.
pub struct Solo {
    pub session: Session,
    pub input: BytesMut,
    pub now: Instant,
}

impl Solo {
    /// The centre, nobody bound.
    pub fn smsc() -> Solo {
        Solo::new(SessionConfig::smsc())
    }

    pub fn new(config: SessionConfig) -> Solo {
        let now = Instant::now();
        Solo { session: Session::new(config, now), input: BytesMut::new(), now }
    }

    /// The centre with a transceiver bound; what that took is already off the output.
    pub fn smsc_bound() -> Solo {
        let mut solo = Solo::smsc();
        solo.bind_as(BIND);
        solo
    }

    pub fn bind_as(&mut self, bind: &str) {
        let events = self.feed(&hex!(bind));
        assert!(matches!(events[..], [Event::BindRequest { .. }]), "{events:?}");
        self.session.accept_bind(b"smsc");
        self.sent();
    }

    /// The application, bound as transceiver.
    pub fn esme_bound() -> Solo {
        let mut solo = Solo::new(SessionConfig::esme());
        solo.session.bind(BindMode::Transceiver, Bind::default(), solo.now);
        solo.sent();
        let events = solo.feed(&hex!(BIND_RESP));
        assert_eq!(events, [Event::Bound { system_id: Bytes::from_static(b"smsc") }]);
        solo
    }

    /// The peer sends; every event until more octets are needed.
    pub fn feed(&mut self, octets: &[u8]) -> Vec<Event> {
        self.input.extend_from_slice(octets);
        self.events()
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll(&mut self.input, self.now)).collect()
    }

    /// Time passes, stopping at every deadline on the way as an embedder would.
    pub fn advance(&mut self, by: Duration) -> Vec<Event> {
        let end = self.now + by;
        let mut events = self.events();
        while let Some(deadline) = self.session.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(deadline);
            self.session.on_deadline(self.now);
            events.extend(self.events());
        }
        self.now = end;
        events
    }

    /// What the session wrote since the last call.
    pub fn sent(&mut self) -> Bytes {
        self.session.output().split().freeze()
    }
}

/// A centre and an application with a wire between them.
pub struct Pair {
    pub smsc: Solo,
    pub esme: Solo,
    pub smsc_events: Vec<Event>,
    pub esme_events: Vec<Event>,
}

impl Pair {
    pub fn bound(mode: BindMode) -> Pair {
        let mut pair = Pair {
            smsc: Solo::smsc(),
            esme: Solo::new(SessionConfig::esme()),
            smsc_events: Vec::new(),
            esme_events: Vec::new(),
        };
        pair.esme.now = pair.smsc.now;
        let bind = Bind { interface_version: InterfaceVersion::V3_4, ..Bind::default() };
        pair.esme.session.bind(mode, bind, pair.esme.now);
        pair.settle();
        pair.smsc.session.accept_bind(b"smsc");
        pair.settle();
        assert!(pair.smsc.session.is_bound() && pair.esme.session.is_bound());
        pair.smsc_events.clear();
        pair.esme_events.clear();
        pair
    }

    /// Carries octets until both sides are quiet. The centre gives each message its number as id, the
    /// application just accepts.
    pub fn settle(&mut self) {
        loop {
            let (to_esme, to_smsc) = (self.smsc.sent(), self.esme.sent());
            let smsc_events = self.smsc.feed(&to_smsc);
            let esme_events = self.esme.feed(&to_esme);
            answer(&mut self.smsc.session, &smsc_events);
            answer(&mut self.esme.session, &esme_events);
            let is_quiet = to_esme.is_empty() && to_smsc.is_empty();
            let is_eventless = smsc_events.is_empty() && esme_events.is_empty();
            self.smsc_events.extend(smsc_events);
            self.esme_events.extend(esme_events);
            if is_quiet && is_eventless {
                return;
            }
        }
    }

    /// Time passes on both sides, one second at a time.
    pub fn advance(&mut self, by: Duration) {
        for _ in 0..by.as_secs() {
            self.smsc_events.extend(self.smsc.advance(Duration::from_secs(1)));
            self.esme_events.extend(self.esme.advance(Duration::from_secs(1)));
            self.settle();
        }
    }
}

fn answer(session: &mut Session, events: &[Event]) {
    for event in events {
        if let Event::Request { sequence_number, body, .. } = event {
            let id = if matches!(body, Body::SubmitSm(_)) { sequence_number.to_string() } else { String::new() };
            let command_id = body.command_id();
            session.respond_sm(*sequence_number, command_id, CommandStatus::ESME_ROK, id.as_bytes());
        }
    }
}

/// A message with a text.
pub fn message(text: &str) -> Sm {
    Sm {
        destination_addr: Bytes::from_static(b"38599000111"),
        short_message: Bytes::copy_from_slice(text.as_bytes()),
        ..Sm::default()
    }
}
