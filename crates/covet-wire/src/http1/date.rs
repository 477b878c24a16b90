//! The date format of HTTP.

/// Bytes of an HTTP date.
pub const HTTP_DATE_LEN: usize = 29;

const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
/// The last second with a year of four digits.
const END_OF_9999: u64 = 253_402_300_799;

/// Formats seconds since the Unix epoch as an IMF-fixdate (RFC 9110, section 5.6.7):
/// `Sun, 06 Nov 1994 08:49:37 GMT`. Seconds after the year 9999 give its last one.
pub fn http_date(unix_seconds: u64) -> [u8; HTTP_DATE_LEN] {
    let seconds = unix_seconds.min(END_OF_9999);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let mut date = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    date[..3].copy_from_slice(pick(&DAYS, days % 7));
    date[5..7].copy_from_slice(&two_digits(day));
    date[8..11].copy_from_slice(pick(&MONTHS, month - 1));
    date[12..14].copy_from_slice(&two_digits(year / 100));
    date[14..16].copy_from_slice(&two_digits(year % 100));
    date[17..19].copy_from_slice(&two_digits(second / 3600));
    date[20..22].copy_from_slice(&two_digits(second / 60 % 60));
    date[23..25].copy_from_slice(&two_digits(second % 60));
    date
}

/// Year, month and day of the Gregorian calendar, from days since 1970-01-01.
///
/// Counts years from the first of March, so that the leap day is a year's last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let (month, next_year) =
        if month_from_march < 10 { (month_from_march + 3, 0) } else { (month_from_march - 9, 1) };
    (era * 400 + year_of_era + next_year, month, day)
}

const fn two_digits(number: u64) -> [u8; 2] {
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}

fn pick(names: &[&'static [u8; 3]], index: u64) -> &'static [u8; 3] {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or(b"   ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's `email.utils.format_datetime(..., usegmt=True)`.
    const TABLE: &[(u64, &str)] = &[
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (68_169_600, "Tue, 29 Feb 1972 00:00:00 GMT"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
        (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
        (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
        (1_795_391_999, "Sun, 22 Nov 2026 23:59:59 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ];

    #[test]
    fn dates_are_those_of_python() {
        for &(seconds, expected) in TABLE {
            assert_eq!(http_date(seconds).escape_ascii().to_string(), expected);
        }
    }

    #[test]
    fn each_day_of_four_centuries_follows_the_one_before() {
        let mut previous = civil(0);
        for day in 1..=146_097 {
            let (year, month, date) = civil(day);
            let expected = match previous {
                (y, m, _) if date == 1 && m < 12 => (y, m + 1, 1),
                (y, 12, 31) => (y + 1, 1, 1),
                (y, m, d) => (y, m, d + 1),
            };
            assert_eq!((year, month, date), expected);
            previous = expected;
        }
        assert_eq!(previous, (2370, 1, 1));
    }
}
