//! Which messages of the history a request wants, as its query says.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{Code, Problem};
use super::message::LifeState;
use super::rfc3339::Time;
use crate::message::{Address, Timestamp};
use crate::timeline::{Direction, Filter};

/// Seen from the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Direction)]
pub enum Way {
    /// From a device to a customer's number.
    Mo,
    /// From a customer to a device.
    Mt,
}

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Way::Mo => "mo",
            Way::Mt => "mt",
        }
    }
}

impl From<Direction> for Way {
    fn from(direction: Direction) -> Way {
        match direction {
            Direction::Mo => Way::Mo,
            Direction::Mt => Way::Mt,
        }
    }
}

impl From<Way> for Direction {
    fn from(way: Way) -> Direction {
        match way {
            Way::Mo => Direction::Mo,
            Way::Mt => Direction::Mt,
        }
    }
}

/// The query of a list and of an export: what they have in common, and what is their own. serde cannot flatten one
/// query into another and refuse unknown names, too.
macro_rules! query {
    ($(#[$of_all:meta])* $name:ident { $($(#[$of_one:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$of_all])*
        #[derive(serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            /// Whose messages; a customer's key may leave it out.
            #[param(example = "acme")]
            customer: Option<String>,
            /// From or to this device.
            #[param(example = "+46701234567")]
            device: Option<String>,
            /// To or from this number or name of the customer.
            #[param(example = "7001")]
            number: Option<String>,
            #[param(inline)]
            direction: Option<$crate::api::wanted::Way>,
            /// MOs that this rule of the customer was called for, and MTs that it sent.
            #[param(example = "water-meter")]
            rule: Option<String>,
            #[param(inline)]
            state: Option<$crate::api::message::LifeState>,
            /// Received at or after this.
            #[param(inline)]
            since: Option<$crate::api::rfc3339::Time>,
            /// Received before this.
            #[param(inline)]
            until: Option<$crate::api::rfc3339::Time>,
            /// Somewhere in the text, in any case.
            text: Option<String>,
            /// The whole tag.
            tag: Option<String>,
            $($(#[$of_one])* $field: $type,)*
        }

        impl $name {
            fn filter(
                &self,
                customer: &str,
                texts: $crate::api::masking::Texts,
                now: $crate::message::Timestamp,
            ) -> Result<$crate::timeline::Filter, $crate::api::error::Problem> {
                let Self { device, number, direction, rule, state, since, until, text, tag, .. } = self;
                texts.may_search(text.as_deref())?;
                let rule = rule.as_ref().map(|rule| format!("{customer}/{rule}"));
                let words = $crate::api::wanted::Words { device, number, text, tag };
                let filter = words.filter((*direction, *state), (*since, *until), now)?;
                Ok($crate::timeline::Filter { rule, ..filter })
            }
        }
    };
}
pub(super) use query;

/// The words of a query.
pub struct Words<'q> {
    pub device: &'q Option<String>,
    pub number: &'q Option<String>,
    pub text: &'q Option<String>,
    pub tag: &'q Option<String>,
}

impl Words<'_> {
    pub fn filter(
        self,
        (direction, state): (Option<Way>, Option<LifeState>),
        (since, until): (Option<Time>, Option<Time>),
        now: Timestamp,
    ) -> Result<Filter, Problem> {
        Ok(Filter {
            device: address("device", self.device)?,
            number: address("number", self.number)?,
            direction: direction.map(Direction::from),
            state: state.map(|state| (state.into(), now)),
            tag: self.tag.clone(),
            rule: None,
            text: self.text.clone(),
            since: since.map(|since| since.0),
            until: until.map(|until| until.0),
        })
    }
}

/// A `+` that was not written as `%2B` comes as a space, which no address begins with.
pub fn address(name: &str, text: &Option<String>) -> Result<Option<Address>, Problem> {
    let malformed = |error| Problem::new(Code::MalformedRequest, format!("{name}: {error}"));
    let read = |text: &str| match text.strip_prefix(' ') {
        Some(digits) => Address::parse(&format!("+{digits}")),
        None => Address::parse(text),
    };
    text.as_deref().map(read).transpose().map_err(malformed)
}
