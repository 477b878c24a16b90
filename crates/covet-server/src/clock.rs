//! The `date` header's value, formatted once a second.

use std::{
    cell::Cell,
    time::{SystemTime, UNIX_EPOCH},
};

use covet_engine::reply::Date;

thread_local! {
    static LAST: Cell<(u64, Date)> = Cell::new((0, Date::at(0)));
}

/// The `date` header of this second.
pub fn date() -> Date {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (second, date) = LAST.get();
    if second == now {
        return date;
    }
    let date = Date::at(now);
    LAST.set((now, date));
    date
}
