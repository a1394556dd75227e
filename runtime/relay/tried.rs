//! What a call that is only tried may begin with: the house as it is now, read and not touched.

use std::io;

use super::House;
use super::rule_call;
use crate::device::Device;
use crate::message::Address;
use crate::recorded::State;
use crate::route::RuleIndex;
use crate::store::TimerShown;
use crate::store::keys::Partition;

/// Octets of state, names and values, that are taken, of the device and of what its rule's devices share each: what one call of a
/// customer's rule may write.
const STATE_OCTETS_MAX: usize = 1 << 20;
/// Timers of a device that are taken; more than a rule may have, usually.
const TIMERS_MAX: usize = 1_000;
/// Names of shared state that are read at once.
const PAGE: usize = 200;

/// Of a device under a rule.
pub struct AsIs {
    pub state: State,
    pub timers: Vec<TimerShown>,
    pub shared: State,
    pub device: Device,
    /// There is more than is taken: of the state of the device, of shared state.
    pub is_cut: (bool, bool),
}

/// Reads the store; on a thread that may wait for the disk.
pub fn as_is(house: &House, rule: RuleIndex, device: &Address) -> io::Result<AsIs> {
    let (name, directory) = (device.to_string(), house.directory());
    let customer = &directory.rules[rule.0].customer;
    let subject = rule_call::subject(house, rule, &name, Partition::of(customer));
    let whole = house.store.whole_state(&subject, STATE_OCTETS_MAX)?;
    let (mut shared, mut octets, mut is_cut) = (State::new(), 0, false);
    let mut after: Option<String> = None;
    'pages: loop {
        let names = house.store.shared_names(&subject, "", after.as_deref(), PAGE)?;
        for name in &names {
            let Some(value) = house.store.shared(&subject, name)? else { continue }; // it went meanwhile
            octets += name.len() + value.len();
            if octets > STATE_OCTETS_MAX {
                is_cut = true;
                break 'pages;
            }
            shared.push((name.as_str().into(), value));
        }
        match names.into_iter().nth(PAGE - 1) {
            Some(last) => after = Some(last),
            None => break,
        }
    }
    let digits = name.strip_prefix('+').unwrap_or(&name);
    Ok(AsIs {
        is_cut: (whole.is_none(), is_cut),
        state: whole.unwrap_or_default(),
        timers: house.store.timers(&subject, TIMERS_MAX)?,
        shared,
        device: house.store.device(customer, digits)?.map(|row| row.device).unwrap_or_default(),
    })
}
