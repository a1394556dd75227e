//! Pages of lists: how long one may be, and what is wrong with a cursor.

use super::error::{Answer, Code, Problem};

pub fn check_limit(limit: usize, max: usize) -> Answer<()> {
    if limit == 0 || limit > max {
        return Err(Problem::new(Code::MalformedRequest, format!("limit is 1 to {max}")));
    }
    Ok(())
}

pub fn no_cursor() -> Problem {
    Problem::new(Code::MalformedRequest, "cursor is `next` of an answer, as it stands there")
}
