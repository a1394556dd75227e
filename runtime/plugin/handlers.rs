//! Which handlers a rule's component has, and how each kind of event is handed to its own.

use wasmtime::component::{Instance, InstancePre};
use wasmtime::{AsContextMut, Store};

use super::bindings::exports::wasmsc::plugin::{
    config_check, http_handler, mo_handler, receipt_handler, request_handler, timer_handler,
};
use super::bindings::wasmsc::plugin::types as wit;
use super::event::Event;
use super::interfaces::Call;
use super::invocation::RESPONSE_OCTETS;
use crate::occasion::Response;

/// The exports of a component that the host may call. Each interface is optional.
#[derive(Clone)]
pub struct Handlers {
    mo: Option<mo_handler::GuestIndices>,
    receipt: Option<receipt_handler::GuestIndices>,
    timer: Option<timer_handler::GuestIndices>,
    http: Option<http_handler::GuestIndices>,
    request: Option<request_handler::GuestIndices>,
    check: Option<config_check::GuestIndices>,
}

/// How a handler ended.
pub enum Handled {
    Done(Option<Response>),
    Retry(Option<u32>),
    Reject(String),
}

impl Handlers {
    /// Of exports whose names are known; their types show when they are loaded from an instance.
    pub fn of(component: &InstancePre<Call>) -> Handlers {
        Handlers {
            mo: mo_handler::GuestIndices::new(component).ok(),
            receipt: receipt_handler::GuestIndices::new(component).ok(),
            timer: timer_handler::GuestIndices::new(component).ok(),
            http: http_handler::GuestIndices::new(component).ok(),
            request: request_handler::GuestIndices::new(component).ok(),
            check: config_check::GuestIndices::new(component).ok(),
        }
    }

    /// Names of the interfaces that are there.
    pub fn names(&self) -> Vec<&'static str> {
        let all = [
            (self.mo.is_some(), "mo-handler"),
            (self.receipt.is_some(), "receipt-handler"),
            (self.timer.is_some(), "timer-handler"),
            (self.http.is_some(), "http-handler"),
            (self.request.is_some(), "request-handler"),
            (self.check.is_some(), "config-check"),
        ];
        all.into_iter().filter(|(is_there, _)| *is_there).map(|(_, name)| name).collect()
    }

    /// Somebody would ever call it.
    pub fn has_any(&self) -> bool {
        self.names().iter().any(|name| *name != "config-check")
    }

    pub fn takes_mos(&self) -> bool {
        self.mo.is_some()
    }

    pub fn checks_config(&self) -> bool {
        self.check.is_some()
    }

    /// That every export has the type that the contract gives it.
    pub fn check_types(&self, mut store: impl AsContextMut, instance: &Instance) -> wasmtime::Result<()> {
        let store = &mut store;
        self.mo.as_ref().map(|export| export.load(&mut *store, instance)).transpose()?;
        self.receipt.as_ref().map(|export| export.load(&mut *store, instance)).transpose()?;
        self.timer.as_ref().map(|export| export.load(&mut *store, instance)).transpose()?;
        self.http.as_ref().map(|export| export.load(&mut *store, instance)).transpose()?;
        self.request.as_ref().map(|export| export.load(&mut *store, instance)).transpose()?;
        self.check.as_ref().map(|export| export.load(&mut *store, instance)).transpose()?;
        Ok(())
    }

    /// What the rule says of its config: an error is for whoever wrote it.
    pub async fn check_config(
        &self,
        store: &mut Store<Call>,
        instance: &Instance,
    ) -> wasmtime::Result<Result<(), String>> {
        match &self.check {
            Some(check) => check.load(&mut *store, instance)?.call_check(&mut *store).await,
            None => Ok(Ok(())),
        }
    }

    /// An event that nothing takes is done: the rule has no interest in it.
    pub async fn call(&self, store: &mut Store<Call>, instance: &Instance, event: Event) -> wasmtime::Result<Handled> {
        let ended = match event {
            Event::Mo(message) => match &self.mo {
                Some(handler) => handler.load(&mut *store, instance)?.call_handle_mo(&mut *store, &message).await?,
                None => return Ok(Handled::Reject("the rule exports no mo-handler".into())),
            },
            Event::Receipt(receipt) => match &self.receipt {
                Some(handler) => {
                    handler.load(&mut *store, instance)?.call_handle_receipt(&mut *store, &receipt).await?
                }
                None => Ok(()),
            },
            Event::Timer(timer) => match &self.timer {
                Some(handler) => handler.load(&mut *store, instance)?.call_handle_timer(&mut *store, &timer).await?,
                None => Ok(()),
            },
            Event::HttpReply(reply) => match &self.http {
                Some(handler) => {
                    handler.load(&mut *store, instance)?.call_handle_http_reply(&mut *store, &reply).await?
                }
                None => Ok(()),
            },
            Event::Request(asked) => return self.answer(store, instance, &asked).await,
        };
        Ok(ended.map_or_else(into_handled, |()| Handled::Done(None)))
    }

    async fn answer(
        &self,
        store: &mut Store<Call>,
        instance: &Instance,
        asked: &wit::Request,
    ) -> wasmtime::Result<Handled> {
        let Some(handler) = &self.request else {
            return Ok(Handled::Reject("the rule exports no request-handler".into()));
        };
        let answered = handler.load(&mut *store, instance)?.call_handle_request(&mut *store, asked).await?;
        Ok(match answered {
            Ok(response) => checked(response).map_or_else(Handled::Reject, |response| Handled::Done(Some(response))),
            Err(error) => into_handled(error),
        })
    }
}

fn into_handled(error: wit::HandlerError) -> Handled {
    match error {
        wit::HandlerError::Retry(after) => Handled::Retry(after),
        wit::HandlerError::Reject(reason) => Handled::Reject(reason),
    }
}

/// What the contract says of a response.
fn checked(response: wit::Response) -> Result<Response, String> {
    let wit::Response { status, body } = response;
    if !matches!(status, 200..=299 | 400..=499) {
        return Err(format!("answered with status {status}; 200 to 299 or 400 to 499 are possible"));
    }
    if body.len() > RESPONSE_OCTETS {
        return Err(format!("answered with {} octets; {RESPONSE_OCTETS} are possible", body.len()));
    }
    if !body.is_empty() && serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
        return Err("answered with what is no JSON".to_owned());
    }
    Ok(Response { status, body: body.into() })
}
