//! What an edit of a policy would change: messages that came are judged once more, by the policy that their customer has and by the one
//! that is proposed.
//!
//! Each policy with counts of its own that begin with the first message, so that what differs is the edit's doing. Nothing is
//! counted in the house, and nobody is told.

use super::House;
use super::explain::{self, Question};
use crate::firewall::{CompiledPolicy, Refusal, State, Verdict};
use crate::timeline::Listed;

/// Of one message: why it does not pass, under each policy.
pub type Verdicts = (Option<Refusal>, Option<Refusal>);

/// Messages of this customer, the oldest first.
pub fn judge_again(house: &House, customer: &str, proposed: &CompiledPolicy, messages: &[Listed]) -> Vec<Verdicts> {
    let directory = &house.directory();
    let viewed_by = directory.customer(customer);
    let opted_out = house.opt_outs.read();
    let (mut present, mut next) = (State::default(), State::default());
    let judged = messages.iter().map(|listed| {
        let (message, text) = (&listed.received.message, listed.text());
        let peer = directory.peer_named(&listed.received.by).map(|index| &**directory.peer(index));
        let question = Question {
            source: &message.source,
            destination: &message.destination,
            text: text.as_deref(),
            account: peer,
        };
        let now = message.received_at;
        let verdict = |state: &mut State, policy: Option<&CompiledPolicy>| {
            let trial = explain::trial(house, directory, &question, viewed_by, now);
            let trial = match policy {
                Some(policy) => trial.under(customer, policy),
                None => trial,
            };
            let opt_outs = &opted_out.of(trial.sender());
            trial.with_packet(|packet| refusal(state.admit(packet, opt_outs, now).0))
        };
        (verdict(&mut present, None), verdict(&mut next, Some(proposed)))
    });
    judged.collect()
}

fn refusal(verdict: Verdict<'_>) -> Option<Refusal> {
    match verdict {
        Verdict::Allowed { .. } => None,
        Verdict::Refused(refusal) => Some(refusal),
    }
}
