//! Exceptions carry their reason: `#[allow]`, `#[expect]` and `#[ignore]`.

use super::house::{Finding, House};
use super::source::code;

/// Every exception from a lint, and every test that is not run, says why.
pub(crate) fn every_exception_has_its_reason(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.rust() {
        let code = code(&file.text);
        for (start, _) in code.match_indices('#') {
            let Some(attribute) = attribute(&code[start..]) else {
                continue;
            };
            let line = code[..start].matches('\n').count() + 1;
            let lint = ["allow(", "expect("].iter().any(|name| {
                attribute.starts_with(name)
                    || attribute.starts_with("cfg_attr") && attribute.contains(name)
            });
            if lint && !attribute.contains("reason = \"") {
                found.push(file.finding(line, "an exception from a lint without its reason"));
            }
            if attribute == "ignore" {
                found.push(file.finding(line, "an ignored test without its reason"));
            }
        }
    }
    found
}

/// What stands inside `#[…]` or `#![…]`, if one begins here.
fn attribute(here: &str) -> Option<&str> {
    let inside = here
        .strip_prefix("#![")
        .or_else(|| here.strip_prefix("#["))?;
    let mut depth = 1;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(inside[..at].trim());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::house::table;
    use super::*;

    #[test]
    fn exceptions_without_a_reason_are_found() {
        table(
            every_exception_has_its_reason,
            &[
                ("a.rs", "#[allow(dead_code)]\nfn f() {}", 1),
                (
                    "a.rs",
                    "#[allow(dead_code, reason = \"why\")]\nfn f() {}",
                    0,
                ),
                (
                    "a.rs",
                    "#![expect(\n    dead_code,\n    reason = \"why\"\n)]",
                    0,
                ),
                ("a.rs", "#![expect(\n    dead_code,\n)]", 1),
                ("a.rs", "#[cfg_attr(test, allow(dead_code))]", 1),
                ("a.rs", "#[ignore]\nfn f() {}", 1),
                ("a.rs", "#[ignore = \"needs nginx\"]\nfn f() {}", 0),
                (
                    "a.rs",
                    "// #[allow(dead_code)]\nfn f() { x.expect(\"y\"); }",
                    0,
                ),
            ],
        );
    }
}
