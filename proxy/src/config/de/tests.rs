//! What the reader finds in values of every kind, and that it finds all of it.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is an assertion")]

use super::super::error::{Mistakes, Severity};
use super::super::source::Source;
use super::super::span::Path;
use super::super::tree::build;
use super::super::units::{Duration, Size};
use super::super::{Named, Spanned};
use serde::Deserialize;
use std::sync::Arc;

/// One of everything that a filter's configuration may have.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Everything {
    flag: bool,
    small: u8,
    signed: i32,
    fraction: f64,
    text: String,
    list: Vec<u16>,
    pair: Option<(u8, u8)>,
    choice: Option<Choice>,
    window: Option<Duration>,
    inner: Option<Inner>,
    by_name: Named<Inner>,
    ports: Option<Vec<std::num::NonZeroU16>>,
    modes: Vec<Spanned<Mode>>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    Plain,
    Sized(Size),
    Full { size: Size, window: Duration },
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Fast,
    Slow,
}

/// Needs all its fields, so that a missing one must not hide the others' mistakes.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read, never used")]
struct Inner {
    first: String,
    second: Duration,
    third: Spanned<Size>,
    #[serde(default)]
    fourth: u8,
}

/// A rule that a type has for itself.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Range")]
struct Ordered;

#[derive(Deserialize)]
struct Range {
    low: u8,
    high: u8,
}

impl TryFrom<Range> for Ordered {
    type Error = String;

    fn try_from(range: Range) -> Result<Self, String> {
        if range.low <= range.high {
            return Ok(Self);
        }
        Err("`low` is above `high`\nhint: swap them".to_owned())
    }
}

fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Vec<String>> {
    let source = Arc::new(Source::new("test", text));
    let mut mistakes = Mistakes::new();
    let tree = build(&source, &mut mistakes).unwrap();
    let value = tree.read(tree.root(), &Path::At("a"), &mut mistakes);
    let report = tree.report(mistakes, Severity::Error);
    let lines = report.mistakes().iter().map(|mistake| {
        let hint = if mistake.hint.is_empty() {
            String::new()
        } else {
            format!(" ({})", mistake.hint)
        };
        format!("{}: {}{hint}", mistake.path, mistake.sentence())
    });
    value.ok_or_else(|| lines.collect())
}

fn check<T: for<'de> Deserialize<'de> + std::fmt::Debug>(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        match read::<T>(text) {
            Ok(value) => assert!(expected.is_empty(), "{text}: {value:?}"),
            Err(found) => assert_eq!(found, *expected, "{text}"),
        }
    }
}

#[test]
fn values_of_every_kind() {
    check::<Everything>(&[
        ("{}", &[]),
        (
            "{flag: true, small: 255, signed: -3, fraction: 1.5e3, text: 5, list: [1, 65535]}",
            &[],
        ),
        (
            "{pair: [1, 2], choice: plain, window: 5m, ports: [1], modes: [fast, slow]}",
            &[],
        ),
        ("{choice: {sized: 1MiB}}", &[]),
        ("{choice: {full: {size: 1MiB, window: 1s}}}", &[]),
        ("{by_name: {x: {first: a, second: 1s, third: 1B}}}", &[]),
        (
            "{flag: on}",
            &["a.flag: found `on`, expected `true` or `false` (write `true`)"],
        ),
        (
            "{flag: 'true'}",
            &["a.flag: found `true`, expected `true` or `false` (remove the quotes)"],
        ),
        (
            "{small: 256}",
            &["a.small: found the number 256, expected a whole number from 0 to 255"],
        ),
        (
            "{small: -1}",
            &["a.small: found the number -1, expected a whole number from 0 to 255"],
        ),
        (
            "{small: '5'}",
            &["a.small: found `5`, expected a whole number from 0 to 255 (remove the quotes)"],
        ),
        (
            "{small: 0x10}",
            &["a.small: found `0x10`, expected a whole number from 0 to 255"],
        ),
        (
            "{signed: 1.5}",
            &["a.signed: found the number 1.5, expected a whole number"],
        ),
        (
            "{fraction: .inf}",
            &["a.fraction: found `.inf`, expected a number"],
        ),
        (
            "{text: []}",
            &["a.text: found an empty list, expected text"],
        ),
        (
            "{text: null}",
            &["a.text: found nothing, expected text (leave the field out, or give it a value)"],
        ),
        (
            "{list: 1}",
            &["a.list: found the number 1, expected a list (write `[1]`)"],
        ),
        (
            "{list: [1, x, 70000]}",
            &[
                "a.list[1]: found `x`, expected a whole number from 0 to 65535",
                "a.list[2]: found the number 70000, expected a whole number from 0 to 65535",
            ],
        ),
        (
            "{pair: [1]}",
            &["a.pair: found a list, expected a tuple of size 2"],
        ),
        (
            "{pair: [1, x]}",
            &["a.pair[1]: found `x`, expected a whole number from 0 to 255"],
        ),
        (
            "{ports: [0]}",
            &["a.ports[0]: found the number 0, expected a whole number, 1 or more"],
        ),
        (
            "{choice: plane}",
            &[
                "a.choice: found `plane`, expected one of `plain`, `sized`, `full` (did you mean `plain`?)",
            ],
        ),
        (
            "{choice: sized}",
            &["a.choice: `sized` needs a value (write `sized: …`)"],
        ),
        (
            "{choice: {sized: 5}}",
            &[
                "a.choice.sized: found the number 5, expected a size with its unit, such as 512B, 64KiB, \
             1MiB (write `5B`)",
            ],
        ),
        (
            "{choice: {plain: 5}}",
            &["a.choice: found a mapping, expected a name alone"],
        ),
        (
            "{choice: {plane: 5}}",
            &[
                "a.choice: found `plane`, expected one of `plain`, `sized`, `full` (did you mean `plain`?)",
            ],
        ),
        (
            "{choice: {full: {size: 1B, windw: 1s}}}",
            &[
                "a.choice.full: the field `window` is missing (add `window: …`)",
                "a.choice.full.windw: found the unknown field `windw`, expected a known one (did you mean \
             `window`?)",
            ],
        ),
        (
            "{modes: [fast, quick, slow, sluggish]}",
            &[
                "a.modes[1]: found `quick`, expected one of `fast`, `slow`",
                "a.modes[3]: found `sluggish`, expected one of `fast`, `slow`",
            ],
        ),
    ]);
}

#[test]
fn one_mistake_hides_no_other() {
    check::<Everything>(&[
        (
            "{inner: {}}",
            &[
                "a.inner: the field `first` is missing (add `first: …`)",
                "a.inner: the field `second` is missing (add `second: …`)",
                "a.inner: the field `third` is missing (add `third: …`)",
            ],
        ),
        (
            "{inner: {first: [], fourth: 300, frist: 1}, flag: 1}",
            &[
                "a.inner: the field `second` is missing (add `second: …`)",
                "a.inner: the field `third` is missing (add `third: …`)",
                "a.inner.first: found an empty list, expected text",
                "a.inner.fourth: found the number 300, expected a whole number from 0 to 255",
                "a.inner.frist: found the unknown field `frist`, expected a known one (did you mean \
             `first`?)",
                "a.flag: found the number 1, expected `true` or `false`",
            ],
        ),
        (
            "{by_name: {x: {first: a, second: 1, third: 1B}, y: 5, z: {first: a, second: 1s}}}",
            &[
                "a.by_name.x.second: found the number 1, expected a span of time with its unit, such as \
             250ms, 300s, 15m, 1h (write `1s`)",
                "a.by_name.y: found the number 5, expected a mapping with `first`, `second`, `third`, \
             `fourth`",
                "a.by_name.z: the field `third` is missing (add `third: …`)",
            ],
        ),
    ]);
}

#[test]
fn a_types_own_rule_is_said_once_its_parts_are_right() {
    check::<Named<Ordered>>(&[
        ("x: {low: 1, high: 1}", &[]),
        (
            "x: {low: 2, high: 1}",
            &["a.x: `low` is above `high` (swap them)"],
        ),
        (
            "x: {low: 2, high: z}",
            &["a.x.high: found `z`, expected a whole number from 0 to 255"],
        ),
        (
            "x: {low: 2}",
            &["a.x: the field `high` is missing (add `high: …`)"],
        ),
    ]);
}
