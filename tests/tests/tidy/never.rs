//! The never-rules that reading can hold (README, "Never"; architecture, section 3).

use super::house::{File, Finding, House};
use super::source::{code, mentions, production};

/// Whether `path` is `prefix` or lies below it.
fn below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn names(file: &File, forbidden: impl Fn(&str) -> bool, rule: &str) -> Vec<Finding> {
    mentions(file)
        .into_iter()
        .filter(|mention| forbidden(&mention.path))
        .map(|mention| file.finding(mention.line, format!("{} {rule}", mention.path)))
        .collect()
}

/// 1: filters open nothing, read no environment, wait for no timer, start nothing, ask no clock.
pub(crate) fn filters_touch_nothing_outside(house: &House) -> Vec<Finding> {
    const OUTSIDE: &[&str] = &[
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "std::os",
        "std::io::stdin",
        "std::io::stdout",
        "std::io::stderr",
        "std::net::TcpStream",
        "std::net::TcpListener",
        "std::net::UdpSocket",
        "std::net::ToSocketAddrs",
        "std::time::SystemTime",
        "std::time::Instant",
        "tokio",
        "pingora",
        "reqwest",
        "hyper",
        "socket2",
        "libc",
        "jiff",
    ];
    let outside =
        |path: &str| OUTSIDE.iter().any(|prefix| below(path, prefix)) || path.ends_with("::now_v7");
    house
        .rust_in("filters/src/")
        .flat_map(|file| {
            names(
                file,
                outside,
                "is outside: what a filter needs comes in by Env",
            )
        })
        .collect()
}

/// 2: the request path knows no database.
pub(crate) fn no_request_waits_for_the_database(house: &House) -> Vec<Finding> {
    let database = |path: &str| {
        ["database", "tokio_postgres", "bb8", "bb8_postgres"]
            .iter()
            .any(|name| below(path, name))
    };
    [
        "filters/src/",
        "proxy/src/edge/",
        "proxy/src/plan/",
        "proxy/src/plan.rs",
    ]
    .iter()
    .flat_map(|room| house.rust_in(room))
    .flat_map(|file| {
        names(
            file,
            database,
            "is on the request path, which never waits for it",
        )
    })
    .collect()
}

/// 3: sessions, the body hook's option, Pingora's heads and errors stay in `proxy/src/edge/pingora/`.
/// An `Option<Bytes>` that is returned, for the end of a body that is read, is not the hook's.
pub(crate) fn pingoras_types_stay_in_their_room(house: &House) -> Vec<Finding> {
    const ROOM: &str = "proxy/src/edge/pingora/";
    const TYPES: &[&str] = &[
        "Session",
        "RequestHeader",
        "ResponseHeader",
        "Error",
        "BError",
        "ErrorType",
        "OrErr",
        "Result",
    ];
    let inner = |path: &str| {
        let last = path.rsplit("::").next().unwrap_or(path);
        path.starts_with("pingora") && TYPES.contains(&last)
    };
    let mut found = Vec::new();
    for file in house.rust() {
        if file.path.starts_with(ROOM) || file.path == "proxy/src/edge/pingora.rs" {
            continue;
        }
        found.extend(names(file, inner, "leaves proxy/src/edge/pingora/"));
        for (at, line) in production(file).lines().enumerate() {
            if line.contains("&mut Option<Bytes>") || line.contains("&mut Option<bytes::Bytes>") {
                found.push(file.finding(
                    at + 1,
                    "the body hook's option leaves proxy/src/edge/pingora/",
                ));
            }
        }
    }
    found
}

/// 5: only `signature`, `jwt` and `api_key` prove who calls. The crate's own fakes may, for tests.
pub(crate) fn only_three_filters_prove(house: &House) -> Vec<Finding> {
    let proving = |file: &File| {
        ["signature", "jwt", "api_key"].iter().any(|name| {
            let room = format!("filters/src/builtin/{name}");
            file.path == format!("{room}.rs") || file.path.starts_with(&format!("{room}/"))
        })
    };
    let proof = |path: &str| path.ends_with("Proof::given");
    house
        .rust()
        .filter(|file| !proving(file))
        .flat_map(|file| {
            names(
                file,
                proof,
                "makes a proof outside of the filters that prove",
            )
        })
        .collect()
}

/// 7: `control` never imports the edge, nor the edge `control`.
pub(crate) fn control_and_edge_do_not_meet(house: &House) -> Vec<Finding> {
    let control = |path: &str| below(path, "control");
    let edge = |path: &str| below(path, "tidegate");
    let mut found = Vec::new();
    for file in house.rust_in("proxy/src/edge") {
        found.extend(names(
            file,
            control,
            "is of the control plane: they meet at the key records",
        ));
    }
    for file in house.rust_in("control/src/") {
        found.extend(names(
            file,
            edge,
            "is of the data plane: they meet at the key records",
        ));
    }
    found
}

/// 9: a type whose name says that it holds a secret is not made for showing. What only refers to one
/// (`env:NAME`) may be shown.
pub(crate) fn secrets_are_never_shown(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in house.rust().filter(|file| !file.is_test()) {
        let code = code(&file.text);
        let mut derives = "";
        for (at, line) in code.lines().enumerate() {
            let line = line.trim();
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if line.starts_with("#[derive(") {
                derives = line;
            } else if line.starts_with("struct ") || line.contains(" struct ") {
                let name = words
                    .skip_while(|word| *word != "struct")
                    .nth(1)
                    .unwrap_or("");
                if is_secret(name) && derives.contains("Debug") {
                    found.push(file.finding(at + 1, format!("{name} derives Debug")));
                }
                derives = "";
            } else if line.starts_with("impl") && line.contains(" for ") {
                let name = words
                    .clone()
                    .skip_while(|word| *word != "for")
                    .nth(1)
                    .unwrap_or("");
                let shown = words.any(|word| word == "Debug" || word == "Display");
                if shown && is_secret(name) {
                    found.push(file.finding(at + 1, format!("{name} can be shown")));
                }
            } else if !line.starts_with('#') {
                derives = "";
            }
        }
    }
    found
}

fn is_secret(name: &str) -> bool {
    let holds = ["Secret", "KeyText", "MasterKey", "Password", "PlainKey"];
    let tells_where = ["Error", "Ref"].iter().any(|end| name.ends_with(end));
    holds.iter().any(|word| name.contains(word)) && !tells_where
}

/// 10: no statics with state, no registration by side effect. A global allocator holds none of ours.
pub(crate) fn no_statics_with_state(house: &House) -> Vec<Finding> {
    const CELLS: &[&str] = &[
        "Atomic", "Mutex", "RwLock", "Once", "LazyLock", "Lazy<", "Cell<", "DashMap", "ArcSwap",
    ];
    const REGISTRIES: &[&str] = &[
        "thread_local!",
        "lazy_static!",
        "#[ctor",
        "inventory::",
        "linkme::",
        "static mut ",
    ];
    let mut found = Vec::new();
    for file in house.rust() {
        for (at, line) in production(file).lines().enumerate() {
            let item = line
                .trim_start()
                .trim_start_matches("pub(crate) ")
                .trim_start_matches("pub ");
            let cell = item.starts_with("static ") && CELLS.iter().any(|cell| item.contains(cell));
            if cell || REGISTRIES.iter().any(|registry| line.contains(registry)) {
                found.push(file.finding(at + 1, "a static with state: assemble hands things out"));
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
    fn filters_that_reach_outside_are_found() {
        let file = "filters/src/builtin/x.rs";
        table(
            filters_touch_nothing_outside,
            &[
                (file, "use std::net::IpAddr;\nuse std::time::Duration;", 0),
                (file, "use std::{fs, net::{TcpStream, IpAddr}};", 2),
                (file, "use std::time;\nfn f() { time::Instant::now(); }", 1),
                (file, "fn f() { let _ = std::env::var(\"X\"); }", 1),
                (file, "fn f() { uuid::Uuid::now_v7(); }", 1),
                (file, "#[cfg(test)]\nmod tests { use std::fs; }", 0),
                (file, "// use std::fs;", 0),
                (file, "use tokio::time::sleep;", 1),
                ("proxy/src/reload.rs", "use std::fs;", 0),
            ],
        );
    }

    #[test]
    fn a_database_on_the_request_path_is_found() {
        table(
            no_request_waits_for_the_database,
            &[
                ("proxy/src/edge/x.rs", "use database::Pool;", 1),
                ("proxy/src/keys/x.rs", "use database::Pool;", 0),
                ("proxy/src/edge/x.rs", "use crate::database_age::X;", 0),
            ],
        );
    }

    #[test]
    fn pingoras_types_abroad_are_found() {
        let (here, abroad) = ("proxy/src/edge/pingora/x.rs", "proxy/src/edge/respond.rs");
        table(
            pingoras_types_stay_in_their_room,
            &[
                (here, "use pingora::http::RequestHeader;", 0),
                (abroad, "use pingora::http::RequestHeader;", 1),
                (abroad, "use pingora::proxy::{Session, http_proxy};", 1),
                (abroad, "use pingora::server::Server;", 0),
                (abroad, "fn f() -> pingora::Result<()> { Ok(()) }", 1),
                (abroad, "fn f(x: &mut Option<Bytes>) {}", 1),
                (here, "fn f(x: &mut Option<Bytes>) {}", 0),
                (abroad, "use anyhow::Error;", 0),
            ],
        );
    }

    #[test]
    fn proofs_elsewhere_are_found() {
        let text = "fn f() { Principal::new(r, &Proof::given()); }";
        table(
            only_three_filters_prove,
            &[
                ("filters/src/builtin/signature.rs", text, 0),
                ("filters/src/builtin/signature/verify.rs", text, 0),
                ("filters/src/builtin/rate_limit.rs", text, 1),
                ("filters/src/builtin/signature_log.rs", text, 1),
                ("filters/src/testing.rs", text, 0),
                (
                    "filters/src/x.rs",
                    "use crate::caller::Proof;\nfn f() { Proof::given(); }",
                    1,
                ),
            ],
        );
    }

    #[test]
    fn meetings_of_control_and_edge_are_found() {
        table(
            control_and_edge_do_not_meet,
            &[
                ("proxy/src/edge/mod.rs", "use control::Keys;", 1),
                ("proxy/src/keys/sync.rs", "use control::Keys;", 0),
                ("control/src/lib.rs", "use tidegate::edge::Edge;", 1),
            ],
        );
    }

    #[test]
    fn secrets_that_show_themselves_are_found() {
        table(
            secrets_are_never_shown,
            &[
                (
                    "x/src/a.rs",
                    "#[derive(Clone, Debug)]\npub struct SigningSecret(Vec<u8>);",
                    1,
                ),
                (
                    "x/src/a.rs",
                    "#[derive(Clone)]\npub struct Secret(Vec<u8>);",
                    0,
                ),
                (
                    "x/src/a.rs",
                    "#[derive(Debug)]\npub struct Public;\npub struct Secret;",
                    0,
                ),
                ("x/src/a.rs", "impl fmt::Display for KeyText<'_> {", 1),
                ("x/src/a.rs", "impl std::fmt::Debug for MasterKey {", 1),
                ("x/src/a.rs", "impl Debug for SecretError {", 0),
                ("x/src/a.rs", "impl Display for SecretRef {", 0),
                ("x/src/a.rs", "impl Drop for Secret {", 0),
            ],
        );
    }

    #[test]
    fn statics_with_state_are_found() {
        table(
            no_statics_with_state,
            &[
                (
                    "x/src/a.rs",
                    "static COUNT: AtomicU64 = AtomicU64::new(0);",
                    1,
                ),
                (
                    "x/src/a.rs",
                    "pub static TABLE: LazyLock<Table> = LazyLock::new(f);",
                    1,
                ),
                ("x/src/a.rs", "static NAMES: &[&str] = &[];", 0),
                (
                    "x/src/a.rs",
                    "static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;",
                    0,
                ),
                ("x/src/a.rs", "fn f(x: &'static Mutex<u8>) {}", 0),
                ("x/src/a.rs", "thread_local! { }", 1),
                (
                    "benches/src/a.rs",
                    "static COUNT: AtomicU64 = AtomicU64::new(0);",
                    0,
                ),
            ],
        );
    }
}
