//! Rules on plain text: pages, lengths, and words that have no place in a repository.

use super::house::{Finding, House};

/// Lines of a Rust file above which it holds two notions.
const LINES_MAX: usize = 500;

/// `//!` opens every Rust file.
pub(crate) fn every_file_opens_with_its_page(house: &House) -> Vec<Finding> {
    house
        .rust()
        .filter(|file| {
            let page = file
                .text
                .lines()
                .next()
                .and_then(|line| line.strip_prefix("//!"));
            page.is_none_or(|page| page.trim().len() < 8)
        })
        .map(|file| {
            file.finding(
                1,
                "the first line is no //! page that says what the file is for",
            )
        })
        .collect()
}

/// No Rust file grows past [`LINES_MAX`].
pub(crate) fn no_file_is_too_long(house: &House) -> Vec<Finding> {
    house
        .rust()
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| file.finding(lines, format!("more than {LINES_MAX} lines: split it")))
        .collect()
}

/// No line names a folder of the machine it was written on, or a package registry's host.
pub(crate) fn nothing_names_a_machine_or_a_registry(house: &House) -> Vec<Finding> {
    // Spelled in pieces, so that this file does not find itself.
    let folders = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/fa", "rm/"),
    ];
    let hosts = [
        concat!("index.crates", ".io"),
        concat!("static.crates", ".io"),
        concat!("registry.npm", "js.org"),
        concat!("py", "pi.org"),
        concat!("python", "hosted.org"),
        concat!("deb.debian", ".org"),
        concat!("proxy.golang", ".org"),
    ];
    let mut found = Vec::new();
    for file in house.files() {
        for (at, line) in file.lines() {
            for folder in folders {
                let named = line.match_indices(folder).any(|(start, _)| {
                    let before = line[..start].chars().next_back().unwrap_or(' ');
                    !before.is_alphanumeric() && !"_.~-/".contains(before)
                });
                if named {
                    found
                        .push(file.finding(at, format!("names {folder}, a folder of one machine")));
                }
            }
            if let Some(host) = hosts.iter().find(|host| line.contains(**host)) {
                found.push(file.finding(at, format!("names {host}, a registry's host")));
            }
            let locked = file.path.ends_with("Cargo.lock") && line.starts_with("source = ");
            if locked && !line.contains(concat!("github.com/rust-lang/crates", ".io-index")) {
                found.push(file.finding(at, "comes from elsewhere than the public registry"));
            }
        }
    }
    found
}

/// No placeholder is left.
pub(crate) fn nothing_is_left_to_do(house: &House) -> Vec<Finding> {
    let marks = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("Skel", "eton."),
    ];
    let mut found = Vec::new();
    for file in house.files().filter(|file| !file.path.ends_with(".lock")) {
        for (at, line) in file.lines() {
            if let Some(mark) = marks.iter().find(|mark| line.contains(**mark)) {
                found.push(file.finding(at, format!("{mark} is left")));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::house::table;
    use super::*;

    #[test]
    fn files_without_a_page_are_found() {
        table(
            every_file_opens_with_its_page,
            &[
                ("a.rs", "//! What it is for.\n", 0),
                ("a.rs", "//!\nfn f() {}\n", 1),
                ("a.rs", "fn f() {}\n", 1),
                ("a.rs", "", 1),
                ("a.md", "", 0),
            ],
        );
    }

    #[test]
    fn long_files_are_found() {
        let (full, over) = ("//\n".repeat(LINES_MAX), "//\n".repeat(LINES_MAX + 1));
        table(
            no_file_is_too_long,
            &[("a.rs", &full, 0), ("a.rs", &over, 1), ("a.md", &over, 0)],
        );
    }

    #[test]
    fn machines_and_registries_are_found() {
        table(
            nothing_names_a_machine_or_a_registry,
            &[
                ("a.md", concat!("see /wo", "rk/x"), 1),
                ("a.md", concat!("see `/ro", "ot/x`"), 1),
                ("a.md", concat!("target/wo", "rk/x and ~/wo", "rk/y"), 0),
                ("a.sh", concat!("curl https://registry.npm", "js.org/x"), 1),
                (
                    "Cargo.lock",
                    "source = \"registry+https://mirror.example/index\"",
                    1,
                ),
                (
                    "Cargo.lock",
                    concat!(
                        "source = \"registry+https://github.com/rust-lang/crates",
                        ".io-index\""
                    ),
                    0,
                ),
            ],
        );
    }

    #[test]
    fn placeholders_are_found() {
        table(
            nothing_is_left_to_do,
            &[
                ("a.rs", concat!("fn f() { to", "do!() }"), 1),
                ("a.yaml", concat!("# FIX", "ME: later"), 1),
                ("a.rs", "fn to_do() {}", 0),
            ],
        );
    }
}
