//! `GET /v1/events` as a client reads it: server-sent events, one after the other.

use std::time::Duration;

use http_body_util::BodyExt;

use super::failure::Failure;
use super::remote::{Answer, Remote};

/// Pauses before it connects again; they double.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Events over a server that is away for a while: nothing is left out.
pub struct Follow<'r, P> {
    remote: &'r Remote,
    /// Of the request, behind the event with this id.
    path: P,
    after: Option<String>,
    events: Events,
}

impl<'r, P: Fn(Option<&str>) -> String> Follow<'r, P> {
    pub async fn open(remote: &'r Remote, after: Option<String>, path: P) -> Result<Self, Failure> {
        let events = Events::open(remote, &path(after.as_deref())).await?;
        Ok(Follow { remote, path, after, events })
    }

    pub async fn next(&mut self) -> Result<Event, Failure> {
        loop {
            match self.events.next().await {
                Ok(event) => {
                    if !event.id.is_empty() {
                        self.after = Some(event.id.clone());
                    }
                    return Ok(event);
                }
                Err(Failure::Unreachable(why)) => {
                    eprintln!("{why}; connecting again");
                    self.connect_again().await?;
                    eprintln!("connected again");
                }
                Err(other) => return Err(other),
            }
        }
    }

    async fn connect_again(&mut self) -> Result<(), Failure> {
        let mut pause = PAUSE;
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
            match Events::open(self.remote, &(self.path)(self.after.as_deref())).await {
                Ok(again) => {
                    self.events = again;
                    return Ok(());
                }
                Err(Failure::Unreachable(_)) => {}
                Err(other) => return Err(other),
            }
        }
    }
}

/// A stream that is open.
pub struct Events {
    answer: Answer,
    /// Octets that are no whole line yet.
    rest: Vec<u8>,
    event: Event,
}

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    /// JSON.
    pub data: String,
}

impl Events {
    pub async fn open(remote: &Remote, path: &str) -> Result<Events, Failure> {
        let answer = remote.stream(path).await?;
        Ok(Events { answer, rest: Vec::new(), event: Event::default() })
    }

    /// The next event; an error when the stream ended.
    pub async fn next(&mut self) -> Result<Event, Failure> {
        loop {
            if let Some(event) = self.read() {
                return Ok(event);
            }
            let ended = || Failure::Unreachable("the stream of events ended".to_owned());
            let frame = self.answer.body.frame().await.ok_or_else(ended)?;
            let frame = frame.map_err(|error| Failure::Unreachable(format!("the stream of events broke: {error}")))?;
            self.rest.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
        }
    }

    /// From what has come.
    fn read(&mut self) -> Option<Event> {
        while let Some(end) = self.rest.iter().position(|octet| *octet == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            if let Some(event) = line_of(&mut self.event, String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']))
            {
                return Some(event);
            }
        }
        None
    }
}

/// An empty line ends an event; one without data is none.
fn line_of(event: &mut Event, line: &str) -> Option<Event> {
    if line.is_empty() {
        let whole = std::mem::take(event);
        return (!whole.data.is_empty()).then_some(whole);
    }
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    let value = value.strip_prefix(' ').unwrap_or(value);
    match name {
        "id" => event.id = value.to_owned(),
        "data" if event.data.is_empty() => event.data = value.to_owned(),
        "data" => event.data = format!("{}\n{value}", event.data),
        _ => {} // a comment, or what only browsers need
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_line_by_line_and_comments_are_none() {
        let mut event = Event::default();
        let lines = [": hello", "", "id: 1", "event: x", "data: {\"a\":1}", "", "data:b", "data: c", ""];
        let read: Vec<Event> = lines.iter().filter_map(|line| line_of(&mut event, line)).collect();
        let wanted = [("1", "{\"a\":1}"), ("", "b\nc")];
        let wanted = wanted.map(|(id, data)| Event { id: id.to_owned(), data: data.to_owned() });
        assert_eq!(read, wanted);
    }
}
