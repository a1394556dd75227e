//! `http`: calls that are made after the commit.

use super::Call;
use crate::occasion::HttpCall;
use crate::plugin::bindings::wasmsc::plugin::http::{Host, Request, SubmitError as WitError};
use crate::plugin::staged_calls::SubmitError;

impl Host for Call {
    fn submit(&mut self, request: Request) -> wasmtime::Result<Result<(), WitError>> {
        let Request { method, url, headers, body, authorization, tag } = request;
        let call = HttpCall {
            method: method.into(),
            url: url.into(),
            headers: headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            body: body.map(Into::into),
            authorization: authorization.map(Into::into),
            tag: tag.into(),
        };
        Ok(self.calls.submit(call).map_err(|error| match error {
            SubmitError::NotPermitted(why) => WitError::NotPermitted(why),
            SubmitError::TooLarge => WitError::TooLarge,
            SubmitError::QuotaExceeded => WitError::QuotaExceeded,
            SubmitError::Malformed(why) => WitError::Other(why),
        }))
    }
}
