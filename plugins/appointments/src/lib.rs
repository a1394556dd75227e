//! Appointments: an application books them, the device is reminded and asked, its answer goes back to the application.
//!
//! Here is the wiring only: `requests` for the application, `answers` for the device, `reminders` for the time between,
//! `outcomes` tells the application. `book` is what is kept; `texts`, `settings` and `time` are for all of them.

mod answers;
mod book;
mod outcomes;
mod reminders;
mod requests;
mod settings;
mod texts;
mod time;

use wasmsc_plugin::{
    ConfigCheck, ConfigError, Context, Failure, HttpHandler, HttpReply, Mo, Receipt, ReceiptHandler, Request,
    RequestHandler, Response, Rule, Timer, TimerHandler, export_rule,
};

/// The rule.
pub struct Appointments;

impl Rule for Appointments {
    fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
        answers::take(cx, mo.text().unwrap_or_default())
    }
}

impl RequestHandler for Appointments {
    fn handle_request(request: &Request, cx: &mut Context<'_>) -> Result<Response, Failure> {
        match request.name.as_str() {
            "book" => match request.json() {
                Ok(asked) => requests::book(cx, asked),
                Err(error) => Response::error(400, error.to_string()),
            },
            "cancel" => match request.json() {
                Ok(asked) => requests::cancel(cx, &asked),
                Err(error) => Response::error(400, error.to_string()),
            },
            "list" => requests::list(cx),
            other => Response::error(404, format!("there is no request {other:?}; there are book, cancel and list")),
        }
    }
}

impl TimerHandler for Appointments {
    fn handle_timer(timer: &Timer, cx: &mut Context<'_>) -> Result<(), Failure> {
        match timer.name.split_once(':') {
            Some((reminders::TIMER, id)) => reminders::due(cx, id),
            Some((outcomes::TIMER, id)) => outcomes::tell_again(cx, id),
            _ => Ok(()),
        }
    }
}

impl ReceiptHandler for Appointments {
    fn handle_receipt(receipt: &Receipt, cx: &mut Context<'_>) -> Result<(), Failure> {
        reminders::delivered_or_not(cx, receipt)
    }
}

impl HttpHandler for Appointments {
    fn handle_http_reply(reply: &HttpReply, cx: &mut Context<'_>) -> Result<(), Failure> {
        outcomes::answered(cx, reply)
    }
}

impl ConfigCheck for Appointments {
    fn check_config(cx: &Context<'_>) -> Result<(), ConfigError> {
        settings::check_all(cx)?;
        texts::check_all(cx)
    }
}

export_rule!(Appointments: mo, receipts, timers, http, requests, config);
