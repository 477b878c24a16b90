//! The `date` header's value, formatted once a second.

use std::{
    cell::Cell,
    time::{SystemTime, UNIX_EPOCH},
};

use covet_engine::reply::Date;
use covet_wire::http1::http_date;

thread_local! {
    static LAST: Cell<(u64, Date)> = Cell::new((0, http_date(0)));
}

/// The current time as a `date` header carries it (RFC 9110, 5.6.7).
pub fn date() -> Date {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (second, date) = LAST.get();
    if second == now {
        return date;
    }
    let date = http_date(now);
    LAST.set((now, date));
    date
}
