//! Usage, written behind the requests.
//!
//! One statement that only adds and only takes the greater: two processes may write at the same time
//! during an upgrade, in any order. Rows are touched in the order of their keys, so that two such
//! statements wait for one another instead of locking each other up. A key that is gone meanwhile is
//! left out.

use super::Keys;
use super::error::Error;
use filters::key::Used;
use uuid::Uuid;

/// What was counted of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageLine {
    /// The key's id as a number.
    pub number: u128,
    /// What was counted.
    pub used: Used,
}

// === impl Keys ===

impl Keys {
    /// Adds to the counts of the day (UTC) of each line's last use. Give at most
    /// [`super::limits::USAGE_LINES_MAX`] lines; all of them are written, or none.
    ///
    /// # Errors
    /// [`Error::Database`]. When the connection broke in the middle, it is not known whether the
    /// lines were written: who writes them again counts at least once.
    pub async fn write_usage(&self, lines: &[UsageLine]) -> Result<(), Error> {
        const WRITE: &str = "INSERT INTO api_key_usage AS u (key, day, requests, errors, last_used_at) \
             SELECT k.number, (l.last_used_at AT TIME ZONE 'UTC')::date, \
                    sum(l.requests)::bigint, sum(l.errors)::bigint, max(l.last_used_at) \
             FROM (SELECT number, requests, errors, to_timestamp(last_s::double precision) \
                   FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) \
                        AS t (number, requests, errors, last_s)) \
                  AS l (number, requests, errors, last_used_at) \
             JOIN api_keys k ON k.number = l.number \
             GROUP BY 1, 2 ORDER BY 1, 2 \
             ON CONFLICT (key, day) DO UPDATE SET \
                 requests = u.requests + excluded.requests, \
                 errors = u.errors + excluded.errors, \
                 last_used_at = greatest(u.last_used_at, excluded.last_used_at)";
        if lines.is_empty() {
            return Ok(());
        }
        let numbers: Vec<Uuid> = lines.iter().map(|l| Uuid::from_u128(l.number)).collect();
        let column = |pick: fn(&Used) -> u64| -> Vec<i64> {
            let signed = |line: &UsageLine| i64::try_from(pick(&line.used)).unwrap_or(i64::MAX);
            lines.iter().map(signed).collect()
        };
        let requests = column(|used| used.requests);
        let errors = column(|used| used.errors);
        let last_s = column(|used| used.last_s);
        let mut client = self.database.client().await?;
        client
            .execute(WRITE, &[&numbers, &requests, &errors, &last_s])
            .await?;
        Ok(())
    }
}
