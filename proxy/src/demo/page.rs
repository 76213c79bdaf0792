//! What the demo prints: for people a short page with commands to paste, for scripts one line.

use super::partner::PartnerKey;
use crate::cli::output::{Style, paint, quoted};
use serde::Serialize;
use std::net::SocketAddr;
use std::path::Path;

/// What there is to tell.
pub(super) struct Page<'a> {
    /// Where clients connect.
    pub(super) address: SocketAddr,
    /// The private listener.
    pub(super) admin: Option<SocketAddr>,
    /// The demo's folder.
    pub(super) folder: &'a Path,
    /// The partner's keys.
    pub(super) keys: &'a [PartnerKey],
    /// This program, as a shell finds it.
    pub(super) program: &'a str,
    /// The database is PostgreSQL, not the embedded one.
    pub(super) server: bool,
}

// === impl Page ===

impl<'a> Page<'a> {
    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            address: SocketAddr,
            keys: Vec<Key<'a>>,
        }
        #[derive(Serialize)]
        struct Key<'a> {
            name: &'a str,
            tier: &'a str,
            env: &'a str,
            key: &'a str,
            secret: &'a str,
        }
        let key = |key: &'a PartnerKey| Key {
            name: &key.name,
            tier: &key.tier,
            env: &key.env,
            key: &key.key,
            secret: &key.secret,
        };
        let line = Line {
            address: self.address,
            keys: self.keys.iter().map(key).collect(),
        };
        serde_json::to_string(&line).expect("texts and an address are JSON")
    }

    /// The page for people.
    pub(super) fn text(&self, colours: bool) -> String {
        let head = |text: &str| paint(text, Style::Bold, colours);
        let url = format!("http://{}", reachable(self.address));
        let database = if self.server {
            "PostgreSQL of DATABASE_URL"
        } else {
            "embedded PostgreSQL"
        };
        let mut lines = vec![
            head("Tidegate is running. Ctrl-C stops it."),
            String::new(),
            format!("  address   {url}"),
        ];
        if let Some(admin) = self.admin {
            lines.push(format!("  metrics   http://{admin}/metrics"));
        }
        lines.push(format!("  database  {database}"));
        lines.push(format!(
            "  data      {} (--fresh starts over)",
            self.folder.display()
        ));
        lines.push(String::new());
        lines.push(head("Keys of the sandbox partner, each with its secret"));
        for key in self.keys {
            lines.push(String::new());
            lines.push(format!("  {:<4}  {:<10}  {}", key.env, key.tier, key.key));
            lines.push(format!("  {:<4}  {:<10}  {}", "", "", key.secret));
        }
        let program = quoted(self.program);
        if let [test, free, ..] = self.keys {
            let signed = |key: &PartnerKey| {
                format!(
                    "  TIDEGATE_KEY={} \\\n  TIDEGATE_SECRET={} \\\n",
                    key.key, key.secret
                )
            };
            lines.push(String::new());
            lines.push(head("A good request"));
            lines.push(String::new());
            lines.push(format!(
                "{}    {program} request GET {url}/api/v1/products",
                signed(test)
            ));
            lines.push(String::new());
            lines.push(head("A refused one: the key alone, without a signature"));
            lines.push(String::new());
            lines.push(format!(
                "  curl -i -H 'X-API-Key: {}' \\\n    {url}/api/v1/orders",
                test.key
            ));
            lines.push(String::new());
            lines.push(head(
                "A burst that meets its 429: tier free has 20 a minute",
            ));
            lines.push(String::new());
            lines.push(format!(
                "{}    {program} request --repeat 25 GET \\\n    {url}/api/v1/products",
                signed(free)
            ));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// An address that a client on this machine can use.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => [127, 0, 0, 1].into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        other => other.ip(),
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys() -> Vec<PartnerKey> {
        serde_json::from_value(json!([
            { "name": "test", "tier": "free", "env": "test",
              "key": format!("ak_test_{}", "k".repeat(36)),
              "secret": format!("sk_{}", "s".repeat(43)) },
            { "id": "key_2", "name": "enterprise", "tier": "enterprise", "env": "live",
              "key": format!("ak_live_{}", "k".repeat(36)),
              "secret": format!("sk_{}", "s".repeat(43)) },
        ]))
        .unwrap()
    }

    fn page<'a>(keys: &'a [PartnerKey], program: &'a str) -> Page<'a> {
        Page {
            address: "0.0.0.0:8080".parse().unwrap(),
            admin: Some("127.0.0.1:40000".parse().unwrap()),
            folder: Path::new("tidegate-demo"),
            keys,
            program,
            server: false,
        }
    }

    #[test]
    fn the_page_fits_a_terminal_and_can_be_pasted() {
        let keys = keys();
        let text = page(&keys, "target/release/tidegate").text(false);
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        for part in [
            "http://127.0.0.1:8080/api/v1/products",
            "target/release/tidegate request GET",
            "curl -i",
            "--repeat 25",
            "TIDEGATE_SECRET=sk_",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains('\x1b'));
        let odd = page(&keys, "/a b/tidegate").text(false);
        assert!(odd.contains("'/a b/tidegate' request"), "{odd}");
    }

    #[test]
    fn scripts_get_one_line_and_nothing_but_what_they_were_promised() {
        let line = page(&keys(), "tidegate").json();
        assert!(!line.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["address"], "0.0.0.0:8080");
        assert_eq!(value["keys"][1]["env"], "live");
        assert!(line.starts_with(r#"{"address":"0.0.0.0:8080","keys":[{"name":"test","tier":"#));
        assert!(!line.contains("key_2"), "{line}");
    }
}
