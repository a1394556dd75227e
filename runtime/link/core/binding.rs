//! How a link comes to belong to a peer: an account binds to us, we bind to an upstream, or an upstream
//! connects to us and asks us to bind.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use subtle::ConstantTimeEq;
use wasmsc_smpp::{Bind, BindMode, CommandStatus, InterfaceVersion, Outbind, Role, Session, SessionConfig};

use super::{LinkCore, Shared};
use crate::binds::{self, What, Whose};
use crate::bucket::Bucket;
use crate::clock;
use crate::config::{self, Mode};
use crate::link::sending::Sending;
use crate::link::told::ToldBind;
use crate::route::{Peer, PeerIndex};

impl LinkCore {
    /// For a connection that we opened to an upstream; binds at once.
    pub fn upstream(address: SocketAddr, shared: Arc<Shared>, peer: PeerIndex, now: Instant) -> LinkCore {
        let mut link = LinkCore::new(address, shared, now);
        let mode = link.shared.house.directory().peer(peer).upstream.as_ref().map(|upstream| upstream.mode);
        link.bind_to(peer, mode.unwrap_or(Mode::Transceiver), now);
        link.tap_output(0, clock::now());
        link
    }

    /// Turns the link around: we are the ESME from now on.
    fn bind_to(&mut self, index: PeerIndex, mode: Mode, now: Instant) {
        let shared = self.shared.clone();
        let peer = shared.house.directory().peer(index).clone();
        let Some(upstream) = &peer.upstream else { return };
        let mut config = SessionConfig { role: Role::Esme, ..shared.session.clone() };
        config.window_max = peer.window;
        self.session = Session::new(config, now);
        let bind = Bind {
            system_id: octets(&upstream.system_id),
            password: octets(&upstream.password),
            system_type: octets(&upstream.system_type),
            interface_version: interface_version(upstream.interface_version),
            ..Bind::default()
        };
        self.session.bind(bind_mode(mode), bind, now);
        self.peer = Some(index);
        self.window = peer.window;
        self.name = peer.name.clone();
        self.sending = Sending::to(&peer, &shared.house.directory().retry.throttled, peer.rate.map(Bucket::new));
    }

    /// For a connection that we opened to an account: what comes next is its bind.
    pub fn ask_to_bind(&mut self, password: &str) {
        let system_id = octets(&self.shared.system_id);
        self.session.outbind(Outbind { system_id, password: octets(password) });
        self.tap_output(0, clock::now());
    }

    /// An SMSC that we know connected to us and asks us to bind.
    pub(super) fn outbind(&mut self, outbind: &Outbind, now: Instant) {
        let directory = &self.shared.house.directory();
        let is_meant = |peer: &Arc<Peer>| {
            let upstream = peer.upstream.as_ref();
            upstream.is_some_and(|upstream| {
                let password = upstream.outbind_password.as_deref();
                upstream.system_id.as_bytes() == &*outbind.system_id
                    && password.is_some_and(|password| password.as_bytes().ct_eq(&outbind.password).into())
            })
        };
        let found = directory.peers.iter().position(is_meant);
        let name = String::from_utf8_lossy(&outbind.system_id).into_owned();
        match found.filter(|_| self.peer.is_none()) {
            Some(index) => {
                tracing::info!(peer = %self.address, system_id = name, "outbind accepted");
                self.bind_to(PeerIndex(index), Mode::Receiver, now);
            }
            None => {
                tracing::warn!(peer = %self.address, system_id = name, "outbind of nobody that we know");
                self.shared.limits.bind_failed(self.address.ip(), now);
                self.session.shutdown();
            }
        }
    }

    /// The upstream accepted our bind.
    pub(super) fn bound(&mut self, now: Instant) {
        (self.was_bound, self.moved_at) = (true, now);
        let Some(peer) = self.peer else { return };
        tracing::info!(peer = %self.address, account = self.account_name(), "bound");
        self.receives = self.session.can_submit();
        self.register();
        if self.receives {
            self.shared.delivery.attach(peer, &self.mailbox.bell);
        }
    }

    pub(super) fn bind_asked(&mut self, mode: BindMode, bind: &Bind, now: Instant) {
        let shared = self.shared.clone();
        let name = String::from_utf8_lossy(&bind.system_id).into_owned();
        let (index, peer) = match self.judge_bind(&shared, mode, bind) {
            Ok(found) => found,
            Err((command_status, why)) => {
                tracing::warn!(peer = %self.address, account = name, "bind refused: {why}");
                let is_known = shared.house.directory().account(&bind.system_id).is_some();
                let whose = if is_known { Whose::Known } else { Whose::Stranger };
                self.note(What::Refused, (name.as_str().into(), whose), why.into());
                if matches!(command_status, CommandStatus::ESME_RINVSYSID | CommandStatus::ESME_RINVPASWD)
                    && let Some(wait) = shared.limits.bind_failed(self.address.ip(), now)
                {
                    tracing::warn!(peer = %self.address, secs = wait.as_secs(), "its address has to wait");
                }
                return self.session.reject_bind(command_status);
            }
        };
        shared.limits.bind_succeeded(self.address.ip());
        tracing::info!(peer = %self.address, account = name, ?mode, "bound");
        self.peer = Some(index);
        (self.was_bound, self.is_counted, self.moved_at) = (true, true, now);
        (self.name, self.window) = (peer.name.clone(), peer.window);
        self.sending = Sending::to(&peer, &shared.house.directory().retry.throttled, None);
        self.range = self.range_of(bind);
        self.session.accept_bind(shared.system_id.as_bytes());
        self.receives = mode.can_receive();
        self.register();
        if self.receives {
            shared.delivery.attach(index, &self.mailbox.bell);
        }
    }

    /// Listed from now on, for whoever looks after the house.
    fn register(&mut self) {
        let Some(peer) = self.config() else { return };
        let mode = self.session.mode().map_or("transceiver", name);
        self.told = Some(ToldBind::new(self.shared.clone(), peer.clone(), mode));
        let place = (self.address, clock::now());
        let bind = binds::Bind::new(peer.name.clone(), (mode, self.receives), place, self.window);
        let bind = bind.of_link(&self.tap, &self.mailbox.bell);
        self.registration = Some(self.shared.house.metrics.binds().add(bind));
        self.note(What::Bound, (peer.name.clone(), Whose::Known), "".into());
    }

    fn judge_bind(
        &self,
        shared: &Shared,
        mode: BindMode,
        bind: &Bind,
    ) -> Result<(PeerIndex, Arc<Peer>), (CommandStatus, &'static str)> {
        let directory = &shared.house.directory();
        let index = directory.account(&bind.system_id).ok_or((CommandStatus::ESME_RINVSYSID, "no such account"))?;
        let peer = directory.peer(index).clone();
        let login = peer.login.as_ref().ok_or((CommandStatus::ESME_RINVSYSID, "no such account"))?;
        if !login.password.is(&bind.password) {
            return Err((CommandStatus::ESME_RINVPASWD, "wrong password"));
        }
        let address = self.address.ip().to_canonical();
        if !login.networks.is_empty() && !login.networks.iter().any(|network| network.contains(&address)) {
            return Err((CommandStatus::ESME_RBINDFAIL, "its address is not in allowed_networks"));
        }
        if !login.modes.iter().any(|allowed| bind_mode(*allowed) == mode) {
            return Err((CommandStatus::ESME_RBINDFAIL, "this mode is not in modes"));
        }
        if self.draining {
            return Err((CommandStatus::ESME_RSYSERR, "the house closes"));
        }
        if !shared.limits.bound(index, login.binds_max) {
            return Err((CommandStatus::ESME_RALYBND, "binds_max binds of this account are up already"));
        }
        Ok((index, peer))
    }

    /// address_range is a regular expression (SMPP 3.4 §5.2.7). One that is none is what many peers send
    /// without meaning it.
    fn range_of(&self, bind: &Bind) -> Option<regex_lite::Regex> {
        let text = std::str::from_utf8(&bind.address_range).ok().filter(|text| !text.is_empty())?;
        match regex_lite::Regex::new(text) {
            Ok(range) => Some(range),
            Err(error) => {
                tracing::warn!(peer = %self.address, "address_range {text:?} is ignored: {error}");
                None
            }
        }
    }
}

fn octets(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// As people call it.
pub(super) fn name(mode: BindMode) -> &'static str {
    match mode {
        BindMode::Transmitter => "transmitter",
        BindMode::Receiver => "receiver",
        BindMode::Transceiver => "transceiver",
    }
}

fn bind_mode(mode: Mode) -> BindMode {
    match mode {
        Mode::Transmitter => BindMode::Transmitter,
        Mode::Receiver => BindMode::Receiver,
        Mode::Transceiver => BindMode::Transceiver,
    }
}

fn interface_version(version: config::InterfaceVersion) -> InterfaceVersion {
    match version {
        config::InterfaceVersion::V3_3 => InterfaceVersion::V3_3,
        config::InterfaceVersion::V3_4 => InterfaceVersion::V3_4,
        config::InterfaceVersion::V5_0 => InterfaceVersion::V5_0,
    }
}
