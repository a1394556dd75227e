//! What holds for the two ends of one message: whose they are, and which policy asks for which of them.

use super::compiled::Effective;
use super::packet::{End, Kind, Packet, Whose};
use super::rates::{DeviceOf, Rate};
use super::reason::Side;

/// A message, and what holds for its two ends.
pub(super) struct Ends<'p, 'c> {
    pub packet: &'c Packet<'p>,
    device: Option<Effective<'p>>,
    /// None: as for the device.
    other: Option<Option<Effective<'p>>>,
}

impl<'p, 'c> Ends<'p, 'c> {
    #[inline]
    pub fn new(packet: &'c Packet<'p>) -> Ends<'p, 'c> {
        let of_device = |end: &End<'p>| end.owner.map(|owner| owner.policy.of_device(end.address, end.tags));
        let side = packet.kind.device();
        let (end, other) = (packet.end(side), packet.end(side.other()));
        let is_own = matches!((end.owner, other.owner), (Some(one), Some(two)) if one.customer == two.customer);
        let other = match packet.kind {
            Kind::P2p => Some(of_device(other)),
            // Where a number and a device of one customer meet, the device's overrides hold for both: else none
            // could allow what the customer's own policy does not.
            Kind::Mo | Kind::Mt if is_own => None,
            Kind::Mo | Kind::Mt => Some(other.owner.map(|owner| owner.policy.of_customer())),
        };
        Ends { packet, device: of_device(end), other }
    }

    /// None: nobody's, so that no policy asks.
    #[inline]
    pub fn effective(&self, side: Side) -> Option<&Effective<'p>> {
        match &self.other {
            Some(other) if side != self.packet.kind.device() => other.as_ref(),
            _ => self.device.as_ref(),
        }
    }

    pub fn customer(&self, side: Side) -> Option<&'p str> {
        self.packet.end(side).owner.map(|owner| owner.customer)
    }

    #[inline]
    pub fn whose_other(&self, side: Side) -> Whose {
        match (self.customer(side), self.customer(side.other())) {
            (_, None) => Whose::Nobody,
            (one, other) if one == other => Whose::Own,
            _ => Whose::Foreign,
        }
    }

    /// The device's limits, by the policy of its own customer, or of the only one there is.
    pub fn metered(&self) -> Option<(Side, &Effective<'p>, DeviceOf<'p>)> {
        let (kind, end) = (self.packet.kind, self.packet.kind.device());
        let side = self.or_other(end);
        let device = self.packet.end(end).address;
        Some((side, self.effective(side)?, DeviceOf { customer: self.customer(side)?, device, kind }))
    }

    /// The customer's limits that it counts against.
    pub fn charged(&self) -> Option<(Side, &Effective<'p>, &'p str)> {
        let side = self.or_other(self.packet.kind.charged());
        Some((side, self.effective(side)?, self.customer(side)?))
    }

    fn or_other(&self, side: Side) -> Side {
        if self.effective(side).is_some() { side } else { side.other() }
    }
}

/// The device's rate for a kind of message.
pub(super) fn device_rate(effective: &Effective<'_>, kind: Kind) -> Option<Rate> {
    match kind {
        Kind::Mo => effective.rates.mo,
        Kind::Mt => effective.rates.mt,
        Kind::P2p => effective.rates.p2p,
    }
}
