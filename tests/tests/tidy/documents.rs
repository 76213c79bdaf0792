//! Documents tell of everything that exists: a page per reason, a map of every folder, no dead link.

use super::house::{Finding, House};
use super::source::code;

const REASONS: &str = "filters/src/reply/reason.rs";
const PAGES: &str = "docs/errors/";

/// One line of the closed list.
struct Reason<'a> {
    line: usize,
    variant: &'a str,
    name: &'a str,
    status: &'a str,
    code: &'static str,
}

/// Every reason has a page that names it, its status and its code; every page has its reason; the
/// index lists them all.
pub(crate) fn every_reason_has_its_page(house: &House) -> Vec<Finding> {
    let reasons = reasons(house);
    let mut found = Vec::new();
    let Some(list) = house.file(REASONS) else {
        return found;
    };
    if reasons.len() < 2 {
        found.push(list.finding(0, "the list of reasons cannot be read any more"));
    }
    let index = house
        .file("docs/errors/README.md")
        .map_or("", |file| &file.text);
    for reason in &reasons {
        let slug = reason.name.replace('_', "-");
        let Some(page) = house.file(&format!("{PAGES}{slug}.md")) else {
            found.push(list.finding(
                reason.line,
                format!("{} has no page {slug}.md", reason.name),
            ));
            continue;
        };
        if !page.text.starts_with(&format!("# {}\n", reason.name)) {
            found.push(page.finding(1, format!("the title is not {}", reason.name)));
        }
        let row = format!("| `{}` | `{}` |", reason.status, reason.code);
        if !page.text.contains(&row) {
            found.push(page.finding(0, format!("the row of status and code is not {row}")));
        }
        if !index.contains(&format!("({slug}.md)")) {
            found.push(page.finding(0, "docs/errors/README.md does not list this page"));
        }
    }
    for page in house.files().filter(|file| file.path.starts_with(PAGES)) {
        let slug = page.path[PAGES.len()..].trim_end_matches(".md");
        if slug != "README" && !reasons.iter().any(|r| r.name.replace('_', "-") == slug) {
            found.push(page.finding(0, "a page of no reason"));
        }
    }
    found
}

/// Every reason is met by a test: its variant or its name stands in test code or in a golden file.
pub(crate) fn every_reason_has_a_test(house: &House) -> Vec<Finding> {
    let mut tests = String::new();
    for file in house.files() {
        if file.path == REASONS || file.path.contains("/tidy/") {
            continue;
        }
        if file.is_test() {
            tests.push_str(&file.text);
        } else if file.path.ends_with(".rs") {
            // Unit tests stand at the foot of their file.
            let foot = code(&file.text)
                .find("#[cfg(test)]")
                .map_or("", |at| &file.text[at..]);
            tests.push_str(foot);
        }
    }
    let word = |text: &str| {
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        tests.match_indices(text).any(|(at, _)| {
            !part(tests[..at].chars().next_back()) && !part(tests[at + text.len()..].chars().next())
        })
    };
    let Some(list) = house.file(REASONS) else {
        return Vec::new();
    };
    reasons(house)
        .iter()
        .filter(|reason| !word(reason.name) && !word(&format!("Reason::{}", reason.variant)))
        .map(|reason| list.finding(reason.line, format!("no test meets {}", reason.name)))
        .collect()
}

/// The list inside of `reasons! { … }`.
fn reasons(house: &House) -> Vec<Reason<'_>> {
    let Some(list) = house.file(REASONS) else {
        return Vec::new();
    };
    list.lines()
        .filter_map(|(line, text)| {
            let (variant, rest) = text.trim().split_once(" = \"")?;
            let (name, rest) = rest.split_once("\", ")?;
            let (status, rest) = rest.split_once(", ")?;
            let (code, _) = rest.split_once(", ")?;
            let code = match code {
                "Validation" => "VALIDATION_ERROR",
                "Authentication" => "AUTHENTICATION_ERROR",
                "Authorization" => "AUTHORIZATION_ERROR",
                "NotFound" => "NOT_FOUND",
                "Conflict" => "CONFLICT",
                "RateLimitExceeded" => "RATE_LIMIT_EXCEEDED",
                "Internal" => "INTERNAL_ERROR",
                "Unavailable" => "SERVICE_UNAVAILABLE",
                _ => return None,
            };
            Some(Reason {
                line,
                variant,
                name,
                status,
                code,
            })
        })
        .collect()
}

/// README's map names every folder at the top.
pub(crate) fn the_map_names_every_folder(house: &House) -> Vec<Finding> {
    let Some(readme) = house.file("README.md") else {
        return Vec::new();
    };
    let mut folders: Vec<&str> = house
        .files()
        .filter_map(|file| Some(file.path.split_once('/')?.0))
        .collect();
    folders.sort_unstable();
    folders.dedup();
    folders
        .into_iter()
        .filter(|folder| {
            let entry = format!("{folder}/");
            !readme.text.lines().any(|line| line.starts_with(&entry))
        })
        .map(|folder| readme.finding(0, format!("the map does not name {folder}/")))
        .collect()
}

/// README's table of filters has every file of `filters/src/builtin/`.
pub(crate) fn every_filter_is_in_the_readme(house: &House) -> Vec<Finding> {
    let Some(readme) = house.file("README.md") else {
        return Vec::new();
    };
    house
        .rust_in("filters/src/builtin/")
        .filter(|file| !file.is_test())
        .filter_map(|file| {
            file.path
                .strip_prefix("filters/src/builtin/")?
                .strip_suffix(".rs")
        })
        .filter(|name| *name != "mod" && !name.contains('/'))
        .filter(|name| !readme.text.contains(&format!("| `{name}` |")))
        .map(|name| readme.finding(0, format!("the table of filters has no row for {name}")))
        .collect()
}

/// Links between documents lead to files that exist.
pub(crate) fn links_lead_somewhere(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.files().filter(|file| file.path.ends_with(".md")) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, text) in file.lines() {
            for (start, _) in text.match_indices("](") {
                let Some((target, _)) = text[start + 2..].split_once(')') else {
                    continue;
                };
                let target = target.split('#').next().unwrap_or(target);
                if target.is_empty() || target.contains("://") || target.contains(' ') {
                    continue;
                }
                let path = join(folder, target);
                let exists = house
                    .files()
                    .any(|file| file.path == path || file.path.starts_with(&format!("{path}/")));
                if !exists {
                    found.push(file.finding(line, format!("{target} does not exist")));
                }
            }
        }
    }
    found
}

/// Joins a relative link to the folder of the page it stands on.
fn join(folder: &str, target: &str) -> String {
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(path.pop()),
            part => path.push(part),
        }
    }
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "    UnknownKey = \"unknown_key\", 401, Authentication, \"no\";\n    \
                        NoRoute = \"no_route\", 404, NotFound, \"no\";\n";
    const ROUTE: (&str, &str) = (
        "docs/errors/no-route.md",
        "# no_route\n\n| `404` | `NOT_FOUND` | ok |\n",
    );
    const KEY: (&str, &str) = (
        "docs/errors/unknown-key.md",
        "# unknown_key\n\n| `401` | `AUTHENTICATION_ERROR` | ok |\n",
    );
    const INDEX: (&str, &str) = (
        "docs/errors/README.md",
        "[no_route](no-route.md) [unknown_key](unknown-key.md)",
    );

    fn problems(rule: fn(&House) -> Vec<Finding>, files: &[(&str, &str)]) -> usize {
        rule(&House::of(files)).len()
    }

    #[test]
    fn reasons_without_a_good_page_are_found() {
        let list = (REASONS, LIST);
        for (files, expected) in [
            (vec![list, ROUTE, KEY, INDEX], 0),
            (vec![list, ROUTE, INDEX], 1),
            (vec![list, ROUTE, KEY], 2),
            (
                vec![
                    list,
                    ROUTE,
                    ("docs/errors/unknown-key.md", "# unknown_key\n\n| `403` |"),
                    INDEX,
                ],
                1,
            ),
            (
                vec![
                    list,
                    ROUTE,
                    (
                        "docs/errors/unknown-key.md",
                        "# key\n\n| `401` | `AUTHENTICATION_ERROR` |",
                    ),
                    INDEX,
                ],
                1,
            ),
            (
                vec![list, ROUTE, KEY, INDEX, ("docs/errors/old.md", "# old\n")],
                1,
            ),
            (vec![(REASONS, "reasons! { changed }"), INDEX], 1),
        ] {
            assert_eq!(
                problems(every_reason_has_its_page, &files),
                expected,
                "{files:?}"
            );
        }
    }

    #[test]
    fn reasons_without_a_test_are_found() {
        for (path, text, expected) in [
            (
                "x/src/a.rs",
                "fn f() { Reason::NoRoute; Reason::UnknownKey; }",
                2,
            ),
            (
                "x/src/a.rs",
                "#[cfg(test)]\nmod tests { Reason::NoRoute }",
                1,
            ),
            (
                "tests/golden/a.json",
                "\"unknown_key\" \"no_route_at_all\"",
                1,
            ),
            ("tests/golden/a.json", "\"unknown_key\" \"no_route\"", 0),
        ] {
            let files = [(REASONS, LIST), (path, text)];
            assert_eq!(
                problems(every_reason_has_a_test, &files),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn folders_missing_from_the_map_are_found() {
        let other = ("conf/a.yaml", "");
        assert_eq!(
            problems(
                the_map_names_every_folder,
                &[("README.md", "conf/  files"), other]
            ),
            0
        );
        assert_eq!(
            problems(
                the_map_names_every_folder,
                &[("README.md", "see conf/"), other]
            ),
            1
        );
    }

    #[test]
    fn filters_missing_from_the_readme_are_found() {
        let filter = ("filters/src/builtin/cors.rs", "");
        let part = ("filters/src/builtin/cors/origin.rs", "");
        let tests = ("filters/src/builtin/tests.rs", "");
        let table = ("README.md", "| `cors` | grants |");
        assert_eq!(
            problems(every_filter_is_in_the_readme, &[table, filter, part, tests]),
            0
        );
        assert_eq!(
            problems(
                every_filter_is_in_the_readme,
                &[("README.md", ""), filter, part]
            ),
            1
        );
    }

    #[test]
    fn dead_links_are_found() {
        let page = |text: &'static str| ("docs/guides/a.md", text);
        let other = ("docs/errors/b.md", "");
        for (text, expected) in [
            (
                "[b](../errors/b.md#top) [c](https://example.com/x) [d](#here)",
                0,
            ),
            ("[errors](../errors/)", 0),
            ("[b](../errors/c.md)", 1),
            ("[b](errors/b.md)", 1),
        ] {
            assert_eq!(
                problems(links_lead_somewhere, &[page(text), other]),
                expected,
                "{text}"
            );
        }
    }
}
