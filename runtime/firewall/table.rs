//! What a policy lets pass, as a table that people can read: one row for each way that a message can go.
//!
//! Pure, and the same functions that judge. Lists, patterns, limits and overrides come on top of it.

use super::checks;
use super::{Kind, Policy, Reason, Side, Whose};

/// One way that a message can go, and what the customer's policy says to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub kind: Kind,
    /// At which end the customer is.
    pub side: Side,
    /// By [`Whose::ALL`]: whose the other end is; None: it passes.
    pub cells: [Option<Reason>; 3],
}

/// Ends by kind: of an MO the customer has the device, of an MT the number.
const WAYS: [(Kind, Side); 4] =
    [(Kind::Mo, Side::Sender), (Kind::Mt, Side::Sender), (Kind::P2p, Side::Sender), (Kind::P2p, Side::Receiver)];

pub fn table(policy: &Policy) -> Vec<Row> {
    let cells = |kind, side| Whose::ALL.map(|whose| checks::allows(policy, kind, side, whose).err());
    WAYS.map(|(kind, side)| Row { kind, side, cells: cells(kind, side) }).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_lets_a_customer_talk_to_itself_through_numbers_only() {
        let own = |reason| [None, Some(reason), Some(reason)];
        let off = [Some(Reason::P2pOff); 3];
        let cells: Vec<_> = table(&Policy::default()).into_iter().map(|row| row.cells).collect();
        assert_eq!(cells, [own(Reason::A2pOwnOnly), own(Reason::A2pOwnOnly), off, off]);
    }

    #[test]
    fn the_two_directions_of_p2p_differ_where_the_policy_does() {
        let policy = Policy::parse(r#"{ "p2p": "no_incoming" }"#).expect("reads");
        let rows = table(&policy);
        assert_eq!(rows[2].cells, [None; 3]);
        assert_eq!(rows[3].cells, [Some(Reason::P2pNoIncoming); 3]);
    }
}
