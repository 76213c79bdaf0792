//! Who may import whom: between crates by their manifests, between modules by their imports.

use super::house::{Finding, House};
use super::source::mentions;

/// A crate's folder, its package's name, and the rooms of ours that it may depend on.
const CRATES: &[(&str, &str, &[&str])] = &[
    ("filters", "filters", &[]),
    ("database", "database", &[]),
    ("control", "control", &["database", "filters"]),
    ("upstream-stub", "upstream-stub", &["database"]),
    (
        "proxy",
        "tidegate",
        &["filters", "control", "database", "upstream-stub"],
    ),
    (
        "tests",
        "tests",
        &[
            "filters",
            "control",
            "database",
            "upstream-stub",
            "tidegate",
        ],
    ),
    (
        "benches",
        "benches",
        &[
            "filters",
            "control",
            "database",
            "upstream-stub",
            "tidegate",
        ],
    ),
];

/// A module of `proxy`, and the modules that it never imports: nothing points back along
/// `config → policy → plan → edge`, and only the way in knows the command line.
const PROXY: &[(&str, &[&str])] = &[
    (
        "config",
        &[
            "policy", "plan", "edge", "keys", "quota", "reload", "assemble", "cli",
        ],
    ),
    (
        "policy",
        &["plan", "edge", "keys", "quota", "reload", "assemble", "cli"],
    ),
    (
        "plan",
        &["edge", "keys", "quota", "reload", "assemble", "cli"],
    ),
    (
        "edge",
        &["config", "keys", "quota", "reload", "assemble", "cli"],
    ),
    (
        "keys",
        &[
            "config", "policy", "plan", "edge", "reload", "assemble", "cli",
        ],
    ),
    (
        "quota",
        &[
            "config", "policy", "plan", "edge", "reload", "assemble", "cli",
        ],
    ),
    ("telemetry", &["edge", "reload", "assemble", "cli"]),
    ("reload", &["edge", "assemble", "cli"]),
    ("assemble", &["cli"]),
];

/// Dependencies between our crates go along the arrows of `CRATES`, and only `tidegate demo` links
/// the upstream service.
pub(crate) fn between_crates(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for (folder, _, allowed) in CRATES {
        let Some(manifest) = house.file(&format!("{folder}/Cargo.toml")) else {
            continue;
        };
        let mut section = "";
        for (line, text) in manifest.lines() {
            let text = text.trim();
            if text.starts_with('[') {
                section = text.trim_matches(['[', ']']);
                continue;
            }
            let name = text
                .split([' ', '.', '='])
                .next()
                .unwrap_or("")
                .trim_matches('"');
            let ours = CRATES.iter().any(|(_, package, _)| *package == name) || name == "tidegate";
            // A crate may name itself in its tests to switch on a feature of its own.
            if !section.ends_with("dependencies") || !ours || name == *folder {
                continue;
            }
            if !allowed.contains(&name) {
                found.push(manifest.finding(line, format!("{folder} must not depend on {name}")));
            }
            let optional = text.contains("optional = true") || section == "dev-dependencies";
            if *folder == "proxy" && name == "upstream-stub" && !optional {
                found.push(manifest.finding(line, "only the demo links upstream-stub: optional"));
            }
        }
    }
    found
}

/// Modules of `proxy` and of `filters` import only along the arrows.
pub(crate) fn between_modules(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for (module, never) in PROXY {
        for file in house.rust_in("proxy/src/") {
            if !is_in(&file.path, &format!("proxy/src/{module}")) {
                continue;
            }
            for mention in mentions(file) {
                let target = mention.path.strip_prefix("crate::").unwrap_or("");
                let target = target.split("::").next().unwrap_or("");
                if never.contains(&target) {
                    let problem = format!("{module} must not import {target}");
                    found.push(file.finding(mention.line, problem));
                }
            }
        }
    }
    for file in house.rust_in("filters/src/") {
        let filter = file
            .path
            .strip_prefix("filters/src/builtin/")
            .map(|inside| {
                inside
                    .split('/')
                    .next()
                    .unwrap_or(inside)
                    .trim_end_matches(".rs")
                    .to_owned()
            });
        for mention in mentions(file) {
            let target = mention.path.strip_prefix("crate::").unwrap_or("");
            if target.split("::").next() == Some("catalog") {
                found.push(file.finding(mention.line, "nothing here imports the catalog"));
            }
            let Some(other) = target.strip_prefix("builtin::") else {
                continue;
            };
            let other = other.split("::").next().unwrap_or(other);
            let another = filter
                .as_deref()
                .is_some_and(|own| own != other && own != "mod");
            if another {
                let problem = format!("a filter never imports another: {other}");
                found.push(file.finding(mention.line, problem));
            }
        }
    }
    found
}

/// Whether a file is this module or lies below it.
fn is_in(path: &str, module: &str) -> bool {
    path.strip_prefix(module)
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::super::house::table;
    use super::*;

    #[test]
    fn dependencies_against_the_arrows_are_found() {
        table(
            between_crates,
            &[
                (
                    "filters/Cargo.toml",
                    "[dependencies]\nserde.workspace = true\n",
                    0,
                ),
                (
                    "filters/Cargo.toml",
                    "[dependencies]\ndatabase.workspace = true\n",
                    1,
                ),
                (
                    "filters/Cargo.toml",
                    "[dev-dependencies]\ntidegate = { workspace = true }\n",
                    1,
                ),
                (
                    "control/Cargo.toml",
                    "[dependencies]\ntidegate.workspace = true\n",
                    1,
                ),
                (
                    "upstream-stub/Cargo.toml",
                    "[dependencies]\nfilters.workspace = true\n",
                    1,
                ),
                (
                    "proxy/Cargo.toml",
                    "[dependencies]\nupstream-stub.workspace = true\n",
                    1,
                ),
                (
                    "proxy/Cargo.toml",
                    "[dependencies]\nupstream-stub = { workspace = true, optional = true }\n",
                    0,
                ),
                ("proxy/Cargo.toml", "[features]\ncontrol = []\n", 0),
                (
                    "database/Cargo.toml",
                    "[dependencies]\ntests.workspace = true\n",
                    1,
                ),
            ],
        );
    }

    #[test]
    fn imports_against_the_arrows_are_found() {
        table(
            between_modules,
            &[
                ("proxy/src/config/raw.rs", "use crate::policy::Policy;", 1),
                (
                    "proxy/src/config/raw.rs",
                    "use super::error::ConfigError;",
                    0,
                ),
                (
                    "proxy/src/policy/mod.rs",
                    "use crate::{config::Span, plan::Plan};",
                    1,
                ),
                ("proxy/src/plan/mod.rs", "use crate::policy::Policy;", 0),
                ("proxy/src/edge/mod.rs", "use crate::plan::Plan;", 0),
                (
                    "proxy/src/edge/mod.rs",
                    "fn f() { super::reload::now(); }",
                    1,
                ),
                ("proxy/src/edges.rs", "use crate::config::X;", 0),
                (
                    "filters/src/builtin/cors.rs",
                    "use super::api_key::ApiKey;",
                    1,
                ),
                (
                    "filters/src/builtin/cors.rs",
                    "use crate::builtin::cors::origin::Origin;",
                    0,
                ),
                (
                    "filters/src/builtin/hygiene/path.rs",
                    "use crate::builtin::hygiene::X;",
                    0,
                ),
                ("filters/src/builtin/mod.rs", "pub use self::cors::Cors;", 0),
                ("filters/src/chain.rs", "use crate::catalog::ENTRIES;", 1),
            ],
        );
    }
}
