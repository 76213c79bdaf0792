//! The fields about limits, written from one decision (contract, section 1).

use crate::clock::Now;
use crate::digits::Digits;
use crate::edits::{Edits, Value};
use crate::limits::{POLICY_NAME_LENGTH_MAX, QUOTA_WINDOWS_MAX};
use crate::names;
use crate::quota::{Decision, Policies};

/// Bytes of the longest value: of as many policies as there may be, with the longest names and numbers.
const TEXT_BYTES_MAX: usize = QUOTA_WINDOWS_MAX * (POLICY_NAME_LENGTH_MAX + 4 + 2 * (3 + 15));

/// A field value in the making, on the stack.
struct Text {
    bytes: [u8; TEXT_BYTES_MAX],
    length: usize,
}

impl Text {
    const fn new() -> Self {
        Self {
            bytes: [0; TEXT_BYTES_MAX],
            length: 0,
        }
    }

    fn push(&mut self, text: &[u8]) {
        self.bytes[self.length..self.length + text.len()].copy_from_slice(text);
        self.length += text.len();
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Sets all of them. `policy` is the value of `RateLimit-Policy` if it was made before.
pub(super) fn set(edits: &mut Edits, decision: &Decision, policy: Option<&Value>, started: Now) {
    let (_, tightest) = decision.tightest();
    // Rounded up, so that at that second all tokens are back.
    let reset_ms = tightest.reset_s.saturating_mul(1000);
    let reset_s = started.unix_ms.saturating_add(reset_ms).div_ceil(1000);
    for (name, number) in [
        (&names::RATELIMIT_LIMIT, tightest.limit.into()),
        (&names::RATELIMIT_REMAINING, tightest.remaining.into()),
        (&names::RATELIMIT_RESET, reset_s),
    ] {
        edits.set(name, &Digits::of(number));
    }
    match policy {
        Some(policy) => edits.set(&names::RATELIMIT_POLICY, policy),
        None => edits.set(&names::RATELIMIT_POLICY, &policy_field(decision.policies())),
    }
    edits.set(&names::RATELIMIT, &state_field(decision));
}

/// `"hourly";q=1000;w=3600, "burst";q=100;w=60`
pub(super) fn policy_field(policies: &Policies) -> Value {
    let mut text = Text::new();
    for (name, rate) in policies.iter() {
        push_item(&mut text, name);
        push_parameter(&mut text, b'q', rate.limit.into());
        push_parameter(&mut text, b'w', rate.window_s.into());
    }
    value(&text)
}

/// `"hourly";r=412;t=4, "burst";r=88;t=1`
fn state_field(decision: &Decision) -> Value {
    let mut text = Text::new();
    for (name, state) in decision.iter() {
        push_item(&mut text, name);
        push_parameter(&mut text, b'r', state.remaining.into());
        push_parameter(&mut text, b't', state.next_s);
    }
    value(&text)
}

/// The next item of a List: a String (RFC 9651, sections 3.1 and 3.3.3). Names of policies hold
/// nothing that would need an escape.
fn push_item(text: &mut Text, name: &str) {
    if text.length > 0 {
        text.push(b", ");
    }
    text.push(b"\"");
    text.push(name.as_bytes());
    text.push(b"\"");
}

/// A parameter with an Integer (RFC 9651, sections 3.1.2 and 3.3.1): at most 15 digits.
fn push_parameter(text: &mut Text, name: u8, number: u64) {
    const GREATEST: u64 = 999_999_999_999_999;
    text.push(&[b';', name, b'=']);
    text.push(Digits::of(number.min(GREATEST)).as_bytes());
}

fn value(text: &Text) -> Value {
    Value::from_bytes(text.as_bytes()).expect("names of policies and digits are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Rate;

    #[test]
    fn the_longest_list_fits() {
        let name = |n: usize| format!("{n}{}", "x".repeat(POLICY_NAME_LENGTH_MAX - 1));
        let rate = Rate {
            limit: u32::MAX,
            window_s: u32::MAX,
        };
        let list: Vec<_> = (0..QUOTA_WINDOWS_MAX).map(|n| (name(n), rate)).collect();
        let policies = Policies::new(list.into()).unwrap();
        let field = policy_field(&policies);
        let items = field.as_bytes().split(|&byte| byte == b',');
        assert_eq!(items.count(), QUOTA_WINDOWS_MAX);
    }

    #[test]
    fn integers_are_written_whole_and_bounded() {
        for (number, text) in [
            (0, ";t=0"),
            (9, ";t=9"),
            (10, ";t=10"),
            (999_999_999_999_999, ";t=999999999999999"),
            (1_000_000_000_000_000, ";t=999999999999999"),
            (u64::MAX, ";t=999999999999999"),
        ] {
            let mut out = Text::new();
            push_parameter(&mut out, b't', number);
            assert_eq!(out.as_bytes(), text.as_bytes());
        }
    }
}
