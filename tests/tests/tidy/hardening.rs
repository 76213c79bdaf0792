//! The table of hostile cases (`docs/hardening.md`): every case has a row, every row a test that exists.
//!
//! Whether the test shows what the row says is a reader's to judge.

use super::house::{File, Finding, House};
use super::source::code;

const TABLE: &str = "docs/hardening.md";

/// What a row without a test says.
const NOT_BUILT: &str = "not built";

/// The cases that must have a row, as first and last of each span.
const CASES: [(char, u32, u32); 5] = [
    ('P', 1, 13),
    ('A', 1, 21),
    ('A', 29, 36),
    ('A', 42, 42),
    ('A', 46, 48),
];

/// Every case has a row; every row names tests that exist, or says that there is nothing to test.
pub(crate) fn every_hostile_case_has_its_tests(house: &House) -> Vec<Finding> {
    let Some(table) = house.file(TABLE) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut cases = Vec::new();
    for (line, text) in table.lines() {
        let Some([case, _, tests]) = cells(text) else {
            continue;
        };
        cases.push(case);
        let named: Vec<&str> = tests
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| name.contains("::"))
            .collect();
        if named.is_empty() && tests != NOT_BUILT {
            found.push(table.finding(line, format!("{case} names no test")));
        }
        for name in named {
            if !exists(house, name) {
                found.push(table.finding(line, format!("there is no test {name}")));
            }
        }
    }
    for (letter, first, last) in CASES {
        for number in first..=last {
            let case = format!("{letter}{number}");
            if !cases.contains(&case.as_str()) {
                found.push(table.finding(0, format!("{case} has no row")));
            }
        }
    }
    found
}

/// The cells of a row of three that is no heading.
fn cells(line: &str) -> Option<[&str; 3]> {
    let row = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let mut cells = row.split(" | ");
    let row = [cells.next()?, cells.next()?, cells.next()?];
    (cells.next().is_none() && row[0] != "case").then_some(row)
}

/// Whether `file::function` is a test.
fn exists(house: &House, name: &str) -> bool {
    let Some((path, function)) = name.split_once("::") else {
        return false;
    };
    house.file(path).is_some_and(|file| is_test(file, function))
}

/// Whether a function of this name stands below a test's attribute, or in a list of properties.
fn is_test(file: &File, function: &str) -> bool {
    let code = code(&file.text);
    let begin = format!("fn {function}(");
    let Some(at) = code.find(&begin) else {
        return false;
    };
    // The attributes stand between the end of what was before and the function's name.
    let before = &code[..at];
    let head = before
        .rfind(['}', ';'])
        .map_or(before, |end| &before[end..]);
    ["#[test]", "#[tokio::test"]
        .iter()
        .any(|attribute| head.contains(attribute))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: (&str, &str) = (
        "a/b.rs",
        "//! Tests.\nfn helper() {}\n#[test]\n#[ignore]\nfn shown() {}\n\
         #[tokio::test]\nasync fn awaited() {}\n// #[test]\n// fn told() {}\n",
    );

    fn whole() -> String {
        let mut text = "| case | what | tests |\n|---|---|---|\n".to_owned();
        for (letter, first, last) in CASES {
            for number in first..=last {
                text += &format!("| {letter}{number} | refuses | `a/b.rs::shown` |\n");
            }
        }
        text
    }

    fn found(text: &str) -> usize {
        every_hostile_case_has_its_tests(&House::of(&[FILE, (TABLE, text)])).len()
    }

    #[test]
    fn rows_without_tests_and_cases_without_rows_are_found() {
        assert_eq!(found(&whole()), 0);
        for (more, findings) in [
            ("| other | refuses | `a/b.rs::awaited` |\n", 0),
            ("| other | comes later | not built |\n", 0),
            (
                "| other | refuses | `a/b.rs::shown` `a/b.rs::awaited` |\n",
                0,
            ),
            ("| other | refuses | `a/b.rs::gone` |\n", 1),
            ("| other | refuses | `a/c.rs::shown` |\n", 1),
            ("| other | refuses | `a/b.rs::helper` |\n", 1),
            ("| other | refuses | `a/b.rs::told` |\n", 1),
            ("| other | refuses | `a/b.rs::gone` `a/b.rs::lost` |\n", 2),
            ("| other | refuses | by looking at it |\n", 1),
        ] {
            assert_eq!(found(&(whole() + more)), findings, "{more}");
        }
        for case in ["P1", "P13", "A21", "A29", "A42", "A48"] {
            let text = whole().replace(&format!("| {case} |"), "| other |");
            assert_eq!(found(&text), 1, "{case}");
        }
    }
}
