//! The shipped policy, with limits that no measurement meets.

use anyhow::anyhow;
use tidegate::policy::{self, Policy};

const SHIPPED: &str = include_str!("../../conf/tidegate.yaml");

/// What a window lets through instead.
const PLENTY: &str = "1000000000";

/// `conf/tidegate.yaml` as it stands, but for its rates.
///
/// # Errors
/// What is wrong with it.
pub fn policy() -> anyhow::Result<Policy> {
    match policy::load("conf/tidegate.yaml", &generous(SHIPPED)) {
        Ok(loaded) => Ok(loaded.policy),
        Err(report) => Err(anyhow!("{report}")),
    }
}

/// The text with every rate raised to [`PLENTY`].
fn generous(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('/') {
        let (before, after) = rest.split_at(at);
        let number = before.trim_end_matches(|c: char| c.is_ascii_digit());
        let unit = after[1..]
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next();
        let is_rate =
            number.len() < before.len() && matches!(unit, Some("s" | "min" | "h" | "day"));
        out.push_str(if is_rate { number } else { before });
        out.push_str(if is_rate { PLENTY } else { "" });
        out.push('/');
        rest = &after[1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_raised_and_nothing_else() {
        for (text, expected) in [
            ("{ burst: 20/min }", "{ burst: 1000000000/min }"),
            (
                "100/h, 3/s 7/day",
                "1000000000/h, 1000000000/s 1000000000/day",
            ),
            ("/api/v1/orders", "/api/v1/orders"),
            ("/api/v1/status", "/api/v1/status"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("a/min", "a/min"),
            ("", ""),
        ] {
            assert_eq!(generous(text), expected);
        }
    }

    #[test]
    fn the_shipped_policy_is_still_good_with_them() {
        let policy = policy().unwrap();
        for limits in policy.site.tiers.values().flatten() {
            assert!(limits.iter().all(|(_, rate)| rate.limit == 1_000_000_000));
        }
    }
}
