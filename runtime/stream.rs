//! An answer that is made while it is read: each piece when the client has room for it, so that a slow client costs
//! one piece, and one that is gone costs nothing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::Frame;

/// A piece, and what the next one is made of; None: that was all. An error breaks the connection, since the client
/// must not take what it has for the whole.
pub type Piece<S> = Option<(io::Result<Bytes>, S)>;

/// `next` makes one piece after the other.
pub fn body<S, N, F>(state: S, next: N) -> Body
where
    S: Send + 'static,
    N: FnMut(S) -> F + Send + Unpin + 'static,
    F: Future<Output = Piece<S>> + Send + 'static,
{
    let mut pieces = Pieces { next, making: None };
    pieces.making = Some(Box::pin((pieces.next)(state)));
    Body::new(pieces)
}

struct Pieces<N, F> {
    next: N,
    making: Option<Pin<Box<F>>>,
}

impl<S, N, F> hyper::body::Body for Pieces<N, F>
where
    N: FnMut(S) -> F + Unpin,
    F: Future<Output = Piece<S>>,
{
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some(making) = &mut self.making else { return Poll::Ready(None) };
        let piece = ready!(making.as_mut().poll(cx));
        self.making = None;
        let Some((octets, state)) = piece else { return Poll::Ready(None) };
        if octets.is_ok() {
            let making = (self.next)(state);
            self.making = Some(Box::pin(making));
        }
        Poll::Ready(Some(octets.map(Frame::data)))
    }
}
