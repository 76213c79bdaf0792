//! The calendar: an instant as year, month, day and time of day in UTC, without a clock or a time
//! zone. Days are counted after Howard Hinnant's `civil_from_days`.

use crate::clock::Now;

/// An instant in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year, from 1970.
    pub year: u64,
    /// The month, 1 to 12.
    pub month: u64,
    /// The day of the month, 1 to 31.
    pub day: u64,
    /// The second of the day, 0 to 86,399.
    pub second_of_day: u64,
}

impl Civil {
    /// What the calendar says at this instant.
    #[must_use]
    pub const fn of(now: Now) -> Self {
        let seconds = now.unix_s();
        let shifted = seconds / 86_400 + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_shifted = (5 * day_of_year + 2) / 153;
        let month = if month_shifted < 10 {
            month_shifted + 3
        } else {
            month_shifted - 9
        };
        Self {
            year: year_of_era + era * 400 + (month <= 2) as u64,
            month,
            day: day_of_year - (153 * month_shifted + 2) / 5 + 1,
            second_of_day: seconds % 86_400,
        }
    }
}
