//! Both ends of one connection without a socket: a link of the house, and the peer's session.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use wasmsc::link::core::{LinkCore, Now, Shared};
use wasmsc::route::PeerIndex;
use wasmsc_smpp::{Bind, BindMode, Event, InterfaceVersion, Session, SessionConfig};

pub struct Pipe {
    pub core: LinkCore,
    pub peer: Session,
    /// Octets on their way to the peer.
    inbox: BytesMut,
    pub bound: bool,
}

const ADDRESS: ([u8; 4], u16) = ([127, 0, 0, 1], 1);

fn patient(mut config: SessionConfig) -> SessionConfig {
    config.window_max = 16;
    config.enquire_link_interval = std::time::Duration::from_secs(864_000);
    config
}

impl Pipe {
    /// An application that binds to the house.
    pub fn application(shared: Arc<Shared>, system_id: &'static str, now: Instant) -> Pipe {
        let mut peer = Session::new(patient(SessionConfig::esme()), now);
        let bind = Bind {
            system_id: Bytes::from_static(system_id.as_bytes()),
            password: Bytes::from_static(b"pw"),
            interface_version: InterfaceVersion::V3_4,
            ..Bind::default()
        };
        peer.bind(BindMode::Transceiver, bind, now);
        Pipe { core: LinkCore::new(ADDRESS.into(), shared, now), peer, inbox: BytesMut::new(), bound: false }
    }

    /// An SMSC that the house binds to.
    pub fn upstream(shared: Arc<Shared>, name: &str, now: Instant) -> Pipe {
        let index = shared.house.directory().peer_named(name).expect("configured");
        let core = LinkCore::upstream(ADDRESS.into(), shared, PeerIndex(index.0), now);
        let peer = Session::new(patient(SessionConfig::smsc()), now);
        Pipe { core, peer, inbox: BytesMut::new(), bound: false }
    }

    /// Octets both ways; what the peer makes of them.
    pub fn exchange(&mut self, now: Now) -> Vec<Event> {
        let sent = self.peer.output().split();
        self.core.input.unsplit(sent);
        self.core.on_deadline(now.instant);
        self.core.turn(now);
        let answer = self.core.output().split();
        self.inbox.unsplit(answer);
        self.peer.on_deadline(now.instant);
        let mut events = Vec::new();
        while let Some(event) = self.peer.poll(&mut self.inbox, now.instant) {
            match event {
                Event::BindRequest { .. } => {
                    self.peer.accept_bind(b"up");
                    self.bound = true;
                }
                Event::Bound { .. } => self.bound = true,
                other => events.push(other),
            }
        }
        events
    }

    pub fn is_closed(&self) -> bool {
        self.core.is_closed() || self.peer.close_reason().is_some()
    }
}
