//! The client against a small SMSC on a real socket, which answers each MO with one MT.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wasmsc_smpp::{Body, CommandId, CommandStatus, Event, Session, SessionConfig, Sm};

use super::client::{ClientError, LinkConfig};
use super::load::Load;
use super::numbers::Numbers;
use super::span::Span;
use super::start_links;
use super::traffic::Traffic as _;
use crate::clock;

/// What the SMSC does beside answering.
#[derive(Clone, Copy)]
enum Habit {
    Good,
    /// Drops each of the first links after so many MOs, the last of them without an answer.
    DropsLinkAfter(usize),
}

/// Starts the SMSC and says where it listens.
async fn start_smsc(habit: Habit) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        for connection in 0.. {
            let (socket, _) = listener.accept().await.unwrap();
            let mos_max = match habit {
                Habit::DropsLinkAfter(count) if connection < 2 => count,
                _ => usize::MAX,
            };
            tokio::spawn(serve(socket, mos_max));
        }
    });
    address
}

async fn serve(mut socket: TcpStream, mos_max: usize) {
    let mut config = SessionConfig::smsc();
    config.window_max = 1_000;
    let (mut session, mut input, mut mos) = (Session::new(config, clock::instant()), BytesMut::new(), 0);
    while socket.read_buf(&mut input).await.is_ok_and(|octets| octets > 0) {
        let now = clock::instant();
        while let Some(event) = session.poll(&mut input, now) {
            match event {
                Event::BindRequest { bind, .. } if bind.password == "secret" => session.accept_bind(b"smsc"),
                Event::BindRequest { .. } => session.reject_bind(CommandStatus::ESME_RINVPASWD),
                Event::Request { sequence_number, body: Body::SubmitSm(mo), .. } => {
                    mos += 1;
                    if mos >= mos_max {
                        return;
                    }
                    session.respond_sm(sequence_number, CommandId::SUBMIT_SM, CommandStatus::ESME_ROK, b"1");
                    let short_message = Bytes::from_static(b"WM1 OK");
                    let mt = Sm { destination_addr: mo.source_addr, short_message, ..Sm::default() };
                    session.request(Body::DeliverSm(mt), now).unwrap();
                }
                _ => {}
            }
        }
        if socket.write_all_buf(session.output()).await.is_err() {
            return;
        }
    }
}

async fn run_load(
    address: String,
    password: &str,
    links: usize,
    messages: u64,
) -> (Arc<Mutex<Load>>, Vec<ClientError>) {
    let numbers = Numbers::new("+46700", 50).unwrap();
    let span = Span::new(None, Some(messages));
    let load = Arc::new(Mutex::new(Load::new(numbers, "7001", links, 0.0, span, clock::instant())));
    let (system_id, password) = ("sim".to_owned(), password.to_owned());
    let config = LinkConfig { connect: address, system_id, password, window: 8 };
    let mut tasks = start_links(config, links, &load);
    let mut errors = Vec::new();
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            errors.extend(ended.unwrap().err());
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("the links end");
    (load, errors)
}

#[tokio::test]
async fn every_mo_is_acknowledged_and_answered_over_several_links() {
    let address = start_smsc(Habit::Good).await;
    let (load, errors) = run_load(address, "secret", 3, 500).await;
    assert!(errors.is_empty(), "{errors:?}");
    let tally = load.lock().take_tally();
    assert_eq!((tally.sent, tally.acknowledged, tally.answers), (500, 500, 500));
    assert_eq!((tally.submit_latency.count(), tally.answer_latency.count(), tally.reconnects), (500, 500, 0));
}

#[tokio::test]
async fn fallen_link_comes_back_and_unanswered_mos_are_sent_again() {
    let address = start_smsc(Habit::DropsLinkAfter(20)).await;
    let (load, errors) = run_load(address, "secret", 1, 200).await;
    assert!(errors.is_empty(), "{errors:?}");
    let tally = load.lock().take_tally();
    assert_eq!((tally.sent, tally.acknowledged, tally.answers, tally.reconnects), (200, 200, 200, 2));
    assert!(tally.resent >= 2, "{tally:?}");
}

#[tokio::test]
async fn refused_bind_says_what_to_check() {
    let address = start_smsc(Habit::Good).await;
    let (load, errors) = run_load(address, "wrong", 1, 1).await;
    let text: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(text, ["bind refused: ESME_RINVPASWD (0x0000000E): check --system-id and --password"]);
    assert_eq!(load.lock().tally().sent, 0);
}
