//! `wasmsc chat`: one device in the terminal. Lines that are typed are MOs, and MTs to the device are printed.
//!
//! It is a network account over SMPP, as the simulator's fleet is, and uses the same link.

use std::collections::VecDeque;
use std::io::BufRead as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Args as Arguments;
use parking_lot::Mutex;
use wasmsc_smpp::text::{self, Payload};
use wasmsc_smpp::{CommandStatus, DataCoding, Npi, Sm, Ton};

use super::failure::Failure;
use super::simulate::client::{ClientError, LinkConfig};
use super::simulate::start_links;
use super::simulate::tally::Tally;
use super::simulate::traffic::{Fate, Next, Traffic, is_temporary};
use super::table::shown;
use crate::clock;
use crate::message::Address;

/// How often the link looks for a new line.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A person's MOs that wait for their answers.
const WINDOW: usize = 8;
/// What fits into one SMS, in septets that are not packed and in octets.
const GSM_MAX: usize = 160;
const OCTETS_MAX: usize = 140;

/// Plays a device in the terminal: what you type is sent to a number, what is sent to the device is printed.
///
/// It binds as a network account. MTs to other devices of that account are put off meanwhile, so use an account
/// of its own, or a test system. End with Ctrl-D; the last answers are waited for.
///
/// Example: wasmsc chat --device +46700000001 --number 7001
#[derive(Arguments, Debug)]
pub struct Args {
    /// The device that you are.
    #[arg(long)]
    device: String,
    /// The customer's number that you write to.
    #[arg(long)]
    number: String,
    /// The server, as host:port.
    #[arg(long, default_value = "127.0.0.1:2775")]
    connect: String,
    /// Network account of the server's config.
    #[arg(long, default_value = "sim")]
    system_id: String,
    #[arg(long, env = "WASMSC_PASSWORD", default_value = "secret", hide_default_value = true, hide_env_values = true)]
    password: String,
    /// How long answers are waited for after the end of the input.
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    linger: u64,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let Ok(Address::Msisdn(device)) = Address::parse(&arguments.device) else {
        return Err(Failure::Usage(format!("--device {}: expected something such as +46700000001", arguments.device)));
    };
    let config = LinkConfig {
        connect: arguments.connect.clone(),
        system_id: arguments.system_id.clone(),
        password: arguments.password.clone(),
        window: WINDOW,
    };
    let chat = Chat {
        device: Bytes::copy_from_slice(device.as_bytes()),
        number: Bytes::copy_from_slice(arguments.number.trim_start_matches('+').as_bytes()),
        linger: Duration::from_secs(arguments.linger),
        typed: VecDeque::new(),
        waiting: VecDeque::new(),
        ended_at: None,
        heard_at: clock::instant(),
        next_ticket: 0,
        tally: Tally::default(),
    };
    let chat = Arc::new(Mutex::new(chat));
    read_lines(chat.clone());
    let mut links = start_links(config, 1, &chat);
    match links.join_next().await {
        None | Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(error @ ClientError::BindRefused { .. }))) => Err(Failure::Failed(error.to_string())),
        Some(Ok(Err(error))) => Err(Failure::Unreachable(error.to_string())),
        Some(Err(error)) => Err(Failure::Failed(error.to_string())),
    }
}

/// On a thread of its own, which a terminal may hold for as long as it likes.
fn read_lines(chat: Arc<Mutex<Chat>>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok).filter(|line| !line.is_empty()) {
            chat.lock().typed.push_back(line);
        }
        chat.lock().end(clock::instant());
    });
}

struct Chat {
    device: Bytes,
    number: Bytes,
    linger: Duration,
    typed: VecDeque<String>,
    /// Sent and not answered.
    waiting: VecDeque<(u32, String)>,
    ended_at: Option<Instant>,
    heard_at: Instant,
    next_ticket: u32,
    tally: Tally,
}

impl Chat {
    /// None: it does not fit.
    fn mo(&self, line: &str) -> Option<Sm> {
        let encoded = text::encode(line);
        let octets_max = if encoded.data_coding == DataCoding::DEFAULT { GSM_MAX } else { OCTETS_MAX };
        (encoded.octets.len() <= octets_max).then(|| Sm {
            source_addr_ton: Ton::INTERNATIONAL,
            source_addr_npi: Npi::ISDN,
            source_addr: self.device.clone(),
            dest_addr_npi: Npi::ISDN,
            destination_addr: self.number.clone(),
            data_coding: encoded.data_coding,
            short_message: encoded.octets,
            ..Sm::default()
        })
    }
}

impl Traffic for Chat {
    fn next(&mut self, _link: usize, now: Instant) -> Next {
        while let Some(line) = self.typed.pop_front() {
            let Some(sm) = self.mo(&line) else {
                println!("!! too long for one SMS, not sent");
                continue;
            };
            self.next_ticket = self.next_ticket.wrapping_add(1);
            self.waiting.push_back((self.next_ticket, line));
            self.heard_at = now;
            return Next::Send { ticket: self.next_ticket, sm: Box::new(sm) };
        }
        if self.is_finished(now) { Next::Finished } else { Next::At(now + LOOK_EVERY) }
    }

    fn settled(&mut self, ticket: u32, fate: Fate<'_>, _sent_at: Instant, now: Instant) {
        self.heard_at = now;
        let at = self.waiting.iter().position(|(waiting, _)| *waiting == ticket);
        let Some((_, line)) = at.and_then(|at| self.waiting.remove(at)) else { return };
        match fate {
            Fate::Accepted { .. } => {}
            Fate::Refused(status) if !is_temporary(status) => println!("!! refused: {status}: {}", shown(&line)),
            Fate::Refused(_) | Fate::Unknown => self.typed.push_front(line),
        }
    }

    fn deliver(&mut self, mt: &Sm, now: Instant) -> CommandStatus {
        if mt.destination_addr != self.device {
            return CommandStatus::ESME_RX_T_APPN;
        }
        self.heard_at = now;
        let text = match text::decode(mt.data_coding, mt.payload()) {
            Payload::Text(text) => text,
            Payload::Binary(octets) => format!("({} octets of binary)", octets.len()),
        };
        println!("{}: {}", shown(&String::from_utf8_lossy(&mt.source_addr)), shown(&text));
        CommandStatus::ESME_ROK
    }

    fn is_finished(&self, now: Instant) -> bool {
        let is_quiet = |ended: Instant| now >= self.heard_at.max(ended) + self.linger;
        self.typed.is_empty() && self.waiting.is_empty() && self.ended_at.is_some_and(is_quiet)
    }

    fn end(&mut self, now: Instant) {
        self.ended_at.get_or_insert(now);
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}
