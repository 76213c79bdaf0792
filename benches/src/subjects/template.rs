//! Fills in configurations: addresses of doors, the origin, the folder; and cuts out what cannot be.

use crate::stage::{Stage, free_address};
use crate::workloads::Door;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Every door, and what configurations call it.
const DOORS: [(Door, &str); 8] = [
    (Door::Pass, "pass"),
    (Door::Key, "key"),
    (Door::Sign, "sign"),
    (Door::Jwt, "jwt"),
    (Door::JwtCached, "jwt-cached"),
    (Door::Tls, "tls"),
    (Door::Http2, "h2"),
    (Door::Mixed, "mixed"),
];

/// A configuration, and where its doors are.
pub(super) struct Filled {
    pub(super) text: String,
    doors: BTreeMap<Door, SocketAddr>,
}

// === impl Filled ===

impl Filled {
    /// Fills in `{pass}`, `{pass-port}`, `{origin}`, `{origin-port}`, `{folder}` and so on, with
    /// addresses that were free a moment ago.
    pub(super) fn from(template: &str, stage: &Stage) -> std::io::Result<Self> {
        let mut text = template
            .replace("{origin}", &stage.origin.to_string())
            .replace("{origin-port}", &stage.origin.port().to_string())
            .replace("{folder}", &stage.folder.display().to_string());
        let mut doors = BTreeMap::new();
        for (door, name) in DOORS {
            let address = free_address()?;
            text = text
                .replace(&format!("{{{name}}}"), &address.to_string())
                .replace(&format!("{{{name}-port}}"), &address.port().to_string());
            doors.insert(door, address);
        }
        Ok(Self { text, doors })
    }

    pub(super) fn door(&self, door: Door) -> SocketAddr {
        self.doors[&door]
    }
}

/// The text without the lines from `# >>> part` to `# <<< part`.
pub(super) fn without(text: &str, part: &str) -> String {
    let (begin, end) = (format!("# >>> {part}"), format!("# <<< {part}"));
    let mut inside = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        inside |= line.trim() == begin;
        if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
        inside &= line.trim() != end;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_out_with_their_marks() {
        let text = "a\n  # >>> x\nb\n  # <<< x\nc\n# >>> y\nd\n# <<< y\n# >>> x\ne\n# <<< x\n";
        assert_eq!(without(text, "x"), "a\nc\n# >>> y\nd\n# <<< y\n");
        assert_eq!(without(text, "z"), text);
    }

    #[test]
    fn every_mark_of_the_peers_is_closed() {
        for (text, part) in [
            (include_str!("../../peers/nginx.conf"), "lua"),
            (include_str!("../../policies/edge.yaml"), "jwt"),
        ] {
            let marks = |mark: &str| text.matches(&format!("# {mark} {part}")).count();
            assert!(marks(">>>") > 0);
            assert_eq!(marks(">>>"), marks("<<<"));
            assert!(without(text, part).len() < text.len());
        }
    }
}
