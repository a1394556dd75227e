//! A server with two customers, an application of each, a network account and, where a test wants them,
//! upstreams: centres that the test plays itself.

use std::net::SocketAddr;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use wasmsc::Server;
use wasmsc_smpp::text::{self, Payload};
use wasmsc_smpp::{EsmClass, Npi, RegisteredDelivery, SessionConfig, Sm, Ton};

use super::peer::{Login, Peer, octets};
use crate::support::PATIENCE;
use crate::support::premises::Premises;

/// A device and the number of `acme`.
pub const DEVICE: &str = "46700000001";
pub const NUMBER: &str = "7001";

/// Lines that are added to the usual config.
#[derive(Default)]
pub struct Plan {
    pub smpp: String,
    /// Of customer `acme`.
    pub acme: String,
    /// Of customer `beta`.
    pub beta: String,
    /// Of `acme`'s application.
    pub app: String,
    /// Of the network account.
    pub sim: String,
    /// Further tables.
    pub more: String,
}

impl Plan {
    /// MTs go to the network account.
    pub fn network() -> Plan {
        Plan { sim: "routes = [\"+4670\"]".into(), ..Plan::default() }
    }

    /// MTs go to this upstream; `lines` are added to its table.
    pub fn upstream(centre: &Centre, lines: &str) -> Plan {
        Plan::default().and_upstream("up", centre, lines)
    }

    pub fn and_upstream(mut self, name: &str, centre: &Centre, lines: &str) -> Plan {
        let port = centre.port;
        self.more += &format!(
            "[[upstream]]\nname = {name:?}\nhost = \"127.0.0.1\"\nport = {port}\nsystem_id = \"we\"\n\
             password = \"secret\"\nroutes = [\"+4670\"]\n{lines}\n"
        );
        self
    }

    pub fn app(mut self, lines: &str) -> Plan {
        self.app += lines;
        self
    }

    pub fn acme(mut self, lines: &str) -> Plan {
        self.acme += lines;
        self
    }

    pub fn sim(mut self, lines: &str) -> Plan {
        self.sim += "\n";
        self.sim += lines;
        self
    }

    pub fn smpp(mut self, lines: &str) -> Plan {
        self.smpp += lines;
        self
    }

    pub fn more(mut self, lines: &str) -> Plan {
        self.more += lines;
        self
    }

    fn tables(&self) -> String {
        let Plan { acme, beta, app, sim, more, .. } = self;
        format!(
            r#"
[[customer]]
id = "acme"
numbers = ["7001"]
senders = ["ACME"]
devices = ["+4670*"]
{acme}
[[customer]]
id = "beta"
numbers = ["7002"]
devices = ["+4673*"]
{beta}
[[account]]
system_id = "app"
password = "secret"
role = "application"
customer = "acme"
{app}
[[account]]
system_id = "rival"
password = "secret"
role = "application"
customer = "beta"
[[account]]
system_id = "sim"
password = "secret"
role = "network"
{sim}
{more}
"#
        )
    }

    pub fn premises(&self) -> Premises {
        Premises::new(self.smpp.clone(), self.tables())
    }

    pub async fn start(self) -> Site {
        Site::of(self.premises()).await
    }
}

/// The server.
pub struct Site {
    premises: Premises,
    server: Server,
    pub smpp: SocketAddr,
}

impl Site {
    pub async fn of(premises: Premises) -> Site {
        let server = premises.start().await.expect("the server starts");
        Site { smpp: server.smpp, premises, server }
    }

    pub async fn bind(&self, login: Login) -> Peer {
        Peer::try_bind(self.smpp, login).await.expect("the account may bind so")
    }

    /// The application of `acme`.
    pub async fn app(&self) -> Peer {
        self.bind(Login::new("app")).await
    }

    /// The network account.
    pub async fn sim(&self) -> Peer {
        self.bind(Login::new("sim")).await
    }

    pub fn api(&self) -> SocketAddr {
        self.server.api.expect("the plan has an API")
    }

    /// Of the first start.
    pub fn operator_token(&self) -> String {
        self.server.operator_token.clone().expect("this start made it")
    }

    pub fn folder(&self) -> &std::path::Path {
        self.premises.folder()
    }

    /// The config file's text.
    pub fn text(&self) -> String {
        self.premises.text()
    }

    pub fn tls(&self) -> SocketAddr {
        self.server.smpp_tls.expect("the plan has TLS")
    }

    /// Ends in order and starts again on the same data.
    pub async fn restart(self) -> Site {
        self.restart_with(|_| {}).await
    }

    /// With another config.
    pub async fn restart_with(self, change: impl FnOnce(&mut Premises)) -> Site {
        let Site { mut premises, server, .. } = self;
        server.stop().await.expect("the store closes");
        change(&mut premises);
        let server = premises.start().await.expect("the server starts again");
        Site { smpp: server.smpp, premises, server }
    }

    /// Ends in order; what is left is the folder and the config.
    pub async fn leave<P>(self, peers: P) -> Premises {
        drop(peers);
        self.server.stop().await.expect("the store closes");
        self.premises
    }

    /// The peers go first: they would not answer an unbind.
    pub async fn end<P>(self, peers: P) {
        drop(self.leave(peers).await);
    }
}

/// A centre that the server binds to: it listens, the test plays it.
pub struct Centre {
    listener: TcpListener,
    pub port: u16,
}

impl Centre {
    pub async fn new() -> Centre {
        Centre::on(0).await
    }

    pub async fn on(port: u16) -> Centre {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
        let port = listener.local_addr().expect("it listens").port();
        Centre { listener, port }
    }

    pub async fn connection(&self) -> TcpStream {
        let accepted = tokio::time::timeout(PATIENCE, self.listener.accept()).await;
        accepted.expect("the server connects").expect("the listener works").0
    }

    /// The next link that the server keeps until it is bound.
    pub async fn bound(&self) -> Peer {
        loop {
            let peer = Peer::over(self.connection().await, SessionConfig::smsc());
            if let Some(peer) = peer.until_bound().await {
                return peer;
            }
        }
    }
}

// ---- messages ---------------------------------------------------------------------------------------

/// From the application to the device.
pub fn mt(text: &str) -> Sm {
    let encoded = text::encode(text);
    let mut sm = Sm {
        source_addr: octets(NUMBER),
        dest_addr_ton: Ton::INTERNATIONAL,
        dest_addr_npi: Npi::ISDN,
        destination_addr: octets(DEVICE),
        data_coding: encoded.data_coding,
        ..Sm::default()
    };
    sm.set_payload(encoded.octets);
    sm
}

/// From the device to the application.
pub fn mo(text: &str) -> Sm {
    let sm = mt(text);
    Sm {
        source_addr_ton: sm.dest_addr_ton,
        source_addr_npi: sm.dest_addr_npi,
        source_addr: sm.destination_addr,
        dest_addr_ton: Ton::UNKNOWN,
        destination_addr: sm.source_addr,
        ..sm
    }
}

pub fn wishing(registered_delivery: u8, sm: Sm) -> Sm {
    Sm { registered_delivery: RegisteredDelivery(registered_delivery), ..sm }
}

/// As a centre writes it about a message that it took.
pub fn receipt(id: &str, stat: &str) -> Sm {
    let text =
        format!("id:{id} sub:001 dlvrd:001 submit date:2601011200 done date:2601011201 stat:{stat} err:000 text:any");
    Sm { esm_class: EsmClass::DELIVERY_RECEIPT, short_message: octets(&text), ..mo("") }
}

/// What a message says to a reader.
pub fn read(sm: &Sm) -> String {
    match text::decode_content(sm.data_coding, sm.esm_class.has_udhi(), sm.payload(), text::Alphabet::Gsm).0 {
        Payload::Text(text) => text,
        Payload::Binary(octets) => format!("{octets:?}"),
    }
}

/// The words of a receipt that matter: `id` and `stat`.
pub fn receipt_words(sm: &Sm) -> (String, String) {
    assert!(sm.esm_class.is_delivery_receipt(), "no receipt: {sm:?}");
    let text = String::from_utf8(sm.payload().to_vec()).expect("a receipt is ASCII");
    let word = |key: &str| {
        let value = text.split(key).nth(1).and_then(|rest| rest.split(' ').next());
        value.unwrap_or_else(|| panic!("no {key} in {text}")).to_owned()
    };
    (word("id:"), word("stat:"))
}

pub fn tlv(sm: &Sm, tag: u16) -> Option<Bytes> {
    sm.tlvs.get(tag).cloned()
}

/// As [`mt`], to another device.
pub fn mt_to(device: &str, text: &str) -> Sm {
    Sm { destination_addr: octets(device), ..mt(text) }
}
