//! What happens to a rule on the bench: one method per kind of event.

use std::time::Duration;

use super::call::{Call, Facts};
use super::{Bench, RESPONSE_OCTETS_MAX, sms};
use crate::Context;
use crate::error::{ConfigError, Failure};
use crate::event::{HttpReply, Mo, Receipt, Request, Response};
use crate::handlers::{Exported, Handlers};
use crate::message::{Body, MessageState, Timestamp};

/// The handler, or a panic that says how to export it.
macro_rules! handler {
    ($rule:ty, $handler:ident) => {
        <$rule as Exported>::HANDLERS.$handler.expect(concat!(
            "the rule exports no `",
            stringify!($handler),
            "`; list it in export_rule!, and implement its trait"
        ))
    };
}

impl Bench {
    /// Runs the rule for one MO; a failure leaves no effect, as in production.
    pub fn receive<R: Exported>(&mut self, from: &str, to: &str, body: impl Into<Body>) -> Result<(), Failure> {
        let handle = handler!(R, mo);
        let body = body.into();
        self.devices.entry(from.to_owned()).or_default().number = Some(to.to_owned());
        let mut facts = self.facts(from);
        (facts.is_mo, facts.segments) = (true, sms::parts(&body) as u32);
        let mo = Mo {
            id: facts.id.clone(),
            source: from.to_owned(),
            destination: to.to_owned(),
            body,
            received_at: self.now,
        };
        self.run::<R, ()>(facts, |cx| handle(&mo, cx))
    }

    /// Moves time on to when this timer is due, and runs the rule for it. Panics if it is not set. A rule that asks
    /// for a retry finds the timer set again.
    pub fn fire<R: Exported>(&mut self, device: &str, name: &str) -> Result<(), Failure> {
        let handle = handler!(R, timers);
        let Some(timer) = self.timer(device, name).cloned() else {
            panic!("{device} has no timer {name:?}; it has {:?}", self.timers(device).collect::<Vec<_>>());
        };
        self.now = self.now.max(timer.due_at);
        let mut facts = self.facts(device);
        facts.fired = Some(name.to_owned());
        let result = self.run::<R, ()>(facts, |cx| handle(&timer, cx));
        if matches!(result, Err(Failure::Reject(_)))
            && let Some(device) = self.devices.get_mut(device)
        {
            device.timers.remove(name);
        }
        result
    }

    /// Lets time pass, and fires all timers that come due by then, in their order. Ends early with the first that fails.
    pub fn pass<R: Exported>(&mut self, time: Duration) -> Result<(), Failure> {
        let until = self.now + time;
        while let Some((device, name)) = self.next_timer(until) {
            self.fire::<R>(&device, &name)?;
        }
        self.now = until;
        Ok(())
    }

    /// Tells the rule what became of a message: the n-th, from 1, of all that asked for a receipt.
    pub fn receipt<R: Exported>(&mut self, nth: usize, state: MessageState) -> Result<(), Failure> {
        self.receipt_with::<R>(nth, state, None)
    }

    /// With a network error code.
    pub fn receipt_with<R: Exported>(
        &mut self,
        nth: usize,
        state: MessageState,
        error_code: Option<&str>,
    ) -> Result<(), Failure> {
        let handle = handler!(R, receipts);
        let asked = self.awaiting_receipt.len();
        let Some(sent) = nth.checked_sub(1).and_then(|index| self.awaiting_receipt.get(index)).cloned() else {
            panic!("{asked} messages asked for a receipt, so that there is none for number {nth}");
        };
        let receipt = Receipt {
            message_id: sent.id,
            tag: sent.tag,
            recipient: sent.to,
            state,
            error_code: error_code.map(str::to_owned),
            done_at: self.now,
        };
        let facts = self.facts(&sent.device);
        self.run::<R, ()>(facts, |cx| handle(&receipt, cx))
    }

    /// Answers the oldest HTTP call with this tag that has no answer; no status: none came. Panics if there is none.
    pub fn http_reply<R: Exported>(
        &mut self,
        tag: &str,
        status: Option<u16>,
        body: impl Into<Vec<u8>>,
    ) -> Result<(), Failure> {
        let handle = handler!(R, http);
        let Some(index) = self.awaiting_reply.iter().position(|submitted| submitted.request.tag == tag) else {
            panic!("no HTTP call with the tag {tag:?} waits for a reply");
        };
        let device = self.awaiting_reply[index].device.clone();
        let reply = HttpReply { tag: tag.to_owned(), status, body: body.into() };
        let facts = self.facts(&device);
        let result = self.run::<R, ()>(facts, |cx| handle(&reply, cx));
        if !matches!(result, Err(Failure::Retry { .. })) {
            self.awaiting_reply.remove(index);
        }
        result
    }

    /// Asks the rule something about a device, as an application does over REST. A response that a server does not pass
    /// on is a reject.
    pub fn request<R: Exported>(
        &mut self,
        device: &str,
        name: &str,
        body: impl Into<Vec<u8>>,
    ) -> Result<Response, Failure> {
        let handle = handler!(R, requests);
        let facts = self.facts(device);
        let request = Request { id: facts.id.clone(), name: name.to_owned(), body: body.into() };
        self.run::<R, Response>(facts, |cx| handle(&request, cx).and_then(checked))
    }

    /// Whether the rule takes its config.
    pub fn check_config<R: Exported>(&mut self) -> Result<(), ConfigError> {
        let check = handler!(R, config);
        let facts = self.facts("");
        let mut call = Call::new(self, facts, R::HANDLERS);
        let result = check(&Context::new(&mut call));
        let logged = call.into_logged();
        self.logged.extend(logged);
        result
    }

    fn next_timer(&self, until: Timestamp) -> Option<(String, String)> {
        let all = self.devices.iter().flat_map(|(device, of)| of.timers.values().map(move |timer| (device, timer)));
        let due = all.filter(|(_, timer)| timer.due_at <= until);
        let next =
            due.min_by(|(a, left), (b, right)| (left.due_at, a, &left.name).cmp(&(right.due_at, b, &right.name)));
        next.map(|(device, timer)| (device.clone(), timer.name.clone()))
    }

    /// Of the next event.
    fn facts(&mut self, device: &str) -> Facts {
        if self.attempt <= 1 {
            self.calls += 1;
        }
        let number = self.devices.get(device).and_then(|device| device.number.clone());
        Facts {
            id: format!("{:016x}", self.calls),
            device: device.to_owned(),
            number: number.unwrap_or_else(|| self.number.clone()),
            is_mo: false,
            segments: 0,
            fired: None,
        }
    }

    fn run<R: Exported, T>(
        &mut self,
        facts: Facts,
        handle: impl FnOnce(&mut Context<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let handlers: Handlers = R::HANDLERS;
        let mut call = Call::new(self, facts, handlers);
        let result = handle(&mut Context::new(&mut call));
        let (effects, logged) = call.end();
        self.logged.extend(logged);
        if result.is_ok() {
            let device = self.devices.entry(effects.device).or_default();
            (device.state, device.timers) = (effects.state, effects.timers);
            self.shared = effects.shared;
            self.timer_changes.extend(effects.timer_changes);
            self.awaiting_receipt.extend(effects.sent.iter().filter(|sent| sent.wants_receipt).cloned());
            self.sent.extend(effects.sent);
            self.awaiting_reply.extend(effects.submitted.iter().cloned());
            self.submitted.extend(effects.submitted);
        }
        result
    }
}

fn checked(response: Response) -> Result<Response, Failure> {
    let Response { status, body } = &response;
    if !matches!(status, 200..=299 | 400..=499) {
        return Err(Failure::reject(format!("answered with status {status}; 200 to 299 or 400 to 499 are possible")));
    }
    if body.len() > RESPONSE_OCTETS_MAX {
        let octets = body.len();
        return Err(Failure::reject(format!("answered with {octets} octets; {RESPONSE_OCTETS_MAX} are possible")));
    }
    if !body.is_empty() && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err() {
        return Err(Failure::reject("answered with what is no JSON"));
    }
    Ok(response)
}
