//! Requests over REST: the name says how the answer is wrong.
//!
//! | Request | Answer |
//! |---|---|
//! | `status-<n>` | that status, such as 99, 200, 302, 500 |
//! | `big` | JSON of 10 MB |
//! | `text`, `half` | what is no JSON |
//! | `again`, `trap`, `loop`, `retry`, `reject` | as the other handlers; `again` replies and answers 200 |
//! | `echo` | the request's body |
//! | others | 404 |

use wasmsc_plugin::{Context, Failure, Request, RequestHandler, Response};

use crate::{Effects, act, reply};

const BIG: usize = 10 << 20;

impl RequestHandler for Effects {
    fn handle_request(request: &Request, cx: &mut Context<'_>) -> Result<Response, Failure> {
        let name = request.name.as_str();
        if let Some(status) = name.strip_prefix("status-").and_then(|status| status.parse().ok()) {
            // Nothing of this may be left where the answer is none.
            reply(cx, "asked")?;
            return Ok(Response::empty(status));
        }
        let ok = |body: Vec<u8>| Ok(Response { status: 200, body });
        match name {
            "big" => ok(format!("{{\"big\":\"{}\"}}", "x".repeat(BIG)).into_bytes()),
            "text" => ok(b"no JSON".to_vec()),
            "half" => ok(b"{\"half\":".to_vec()),
            "echo" => ok(request.body.clone()),
            "again" | "trap" | "loop" | "retry" | "reject" => {
                act(cx, name, |cx| reply(cx, "asked again"))?;
                ok(b"{}".to_vec())
            }
            _ => Ok(Response::empty(404)),
        }
    }
}
