//! From the contract's events to the SDK's, and back with how the call ended.

use super::imports::wasmsc::plugin::types;
use super::{Contract, Exports};
use super::{config, http, mo, receipts, requests, timers};
use crate::error::Failure;
use crate::event::{HttpReply, Mo, Receipt, Request, Timer};
use crate::message::{Body, MessageState, Timestamp};
use crate::{ConfigCheck, Context, HttpHandler, ReceiptHandler, RequestHandler, Rule, TimerHandler};

impl<R: Rule> mo::exports::wasmsc::plugin::mo_handler::Guest for Exports<R> {
    fn handle_mo(mo: types::Message) -> Result<(), types::HandlerError> {
        let mo = Mo {
            id: mo.id,
            source: mo.source,
            destination: mo.destination,
            body: match mo.body {
                types::Body::Text(text) => Body::Text(text),
                types::Body::Binary(octets) => Body::Binary(octets),
            },
            received_at: Timestamp(mo.received_at),
        };
        R::handle_mo(&mo, &mut Context::new(&mut Contract)).map_err(handler_error)
    }
}

impl<R: ReceiptHandler> receipts::exports::wasmsc::plugin::receipt_handler::Guest for Exports<R> {
    fn handle_receipt(receipt: types::Receipt) -> Result<(), types::HandlerError> {
        let receipt = Receipt {
            message_id: receipt.message_id,
            tag: receipt.tag,
            recipient: receipt.recipient,
            state: message_state(receipt.state),
            error_code: receipt.error_code,
            done_at: Timestamp(receipt.done_at),
        };
        R::handle_receipt(&receipt, &mut Context::new(&mut Contract)).map_err(handler_error)
    }
}

impl<R: TimerHandler> timers::exports::wasmsc::plugin::timer_handler::Guest for Exports<R> {
    fn handle_timer(timer: types::Timer) -> Result<(), types::HandlerError> {
        let timer = Timer { name: timer.name, due_at: Timestamp(timer.due_at), payload: timer.payload };
        R::handle_timer(&timer, &mut Context::new(&mut Contract)).map_err(handler_error)
    }
}

impl<R: HttpHandler> http::exports::wasmsc::plugin::http_handler::Guest for Exports<R> {
    fn handle_http_reply(reply: types::HttpReply) -> Result<(), types::HandlerError> {
        let reply = HttpReply { tag: reply.tag, status: reply.status, body: reply.body };
        R::handle_http_reply(&reply, &mut Context::new(&mut Contract)).map_err(handler_error)
    }
}

impl<R: RequestHandler> requests::exports::wasmsc::plugin::request_handler::Guest for Exports<R> {
    fn handle_request(request: types::Request) -> Result<types::Response, types::HandlerError> {
        let request = Request { id: request.id, name: request.name, body: request.body };
        let response = R::handle_request(&request, &mut Context::new(&mut Contract)).map_err(handler_error)?;
        Ok(types::Response { status: response.status, body: response.body })
    }
}

impl<R: ConfigCheck> config::exports::wasmsc::plugin::config_check::Guest for Exports<R> {
    fn check() -> Result<(), String> {
        R::check_config(&Context::new(&mut Contract)).map_err(|error| error.0)
    }
}

fn handler_error(failure: Failure) -> types::HandlerError {
    match failure {
        Failure::Retry { after_ms } => types::HandlerError::Retry(after_ms),
        Failure::Reject(reason) => types::HandlerError::Reject(reason),
    }
}

fn message_state(state: types::MessageState) -> MessageState {
    match state {
        types::MessageState::Scheduled => MessageState::Scheduled,
        types::MessageState::Enroute => MessageState::Enroute,
        types::MessageState::Delivered => MessageState::Delivered,
        types::MessageState::Expired => MessageState::Expired,
        types::MessageState::Deleted => MessageState::Deleted,
        types::MessageState::Undeliverable => MessageState::Undeliverable,
        types::MessageState::Accepted => MessageState::Accepted,
        types::MessageState::Unknown => MessageState::Unknown,
        types::MessageState::Rejected => MessageState::Rejected,
        types::MessageState::Skipped => MessageState::Skipped,
    }
}
