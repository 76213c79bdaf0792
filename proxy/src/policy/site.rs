//! What more than one filter needs: hosts, tiers, API versions, where errors are explained.

use super::judge::Judge;
use super::limits::{TIERS_MAX, VERSIONS_MAX};
use crate::config::raw::{Tier, Version};
use crate::config::units::{Allowance, Rate};
use crate::config::{Named, Path, Spanned};
use filters::env::{Site, VersionFacts};
use filters::limits::{POLICY_NAME_LENGTH_MAX, QUOTA_WINDOWS_MAX};
use std::collections::BTreeMap;
use std::sync::Arc;

const ROOT: Path<'_> = Path::Root;

/// Where errors are explained when the file does not say: a name that nobody can own (RFC 2606).
const DOCUMENTATION: &str = "https://docs.tidegate.example";

const VERSION: &str = "1";

/// What more than one filter needs.
pub(super) fn site(judge: &mut Judge<'_>, hosts: Vec<String>) -> Site {
    Site {
        hosts,
        tiers: tiers(judge),
        versions: versions(judge),
        documentation: documentation(judge),
    }
}

fn documentation(judge: &mut Judge<'_>) -> String {
    let Some(written) = &judge.raw.file.documentation else {
        return DOCUMENTATION.to_owned();
    };
    let text = written.trim_end_matches('/');
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    // It is put into header fields and JSON as it stands.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/:%".contains(&b);
    if !rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(plain)) {
        let expected = "a URL without query, such as https://docs.example.com/api";
        judge.wrong(
            written.span,
            &ROOT.field("documentation"),
            format!("`{text}`"),
            expected,
            "",
        );
    }
    text.to_owned()
}

type Tiers = BTreeMap<String, Option<Arc<[(String, Rate)]>>>;

fn tiers(judge: &mut Judge<'_>) -> Tiers {
    let section = ROOT.field("tiers");
    let written = &judge.raw.file.tiers;
    if let Some((name, _)) = written.0.get(TIERS_MAX) {
        judge.count(name.span, &section, written.0.len(), TIERS_MAX);
    }
    let mut tiers = Tiers::new();
    for (name, tier) in written.iter() {
        let path = section.field(name);
        judge.name(name, &path);
        tiers.insert(name.value.clone(), policies(judge, tier, &path));
    }
    tiers
}

/// A tier's policies; `None`: unlimited.
fn policies(
    judge: &mut Judge<'_>,
    tier: &Spanned<Tier>,
    path: &Path<'_>,
) -> Option<Arc<[(String, Rate)]>> {
    let Tier::Policies(policies) = &tier.value else {
        return None;
    };
    // Nothing said never means no limit.
    if policies.0.is_empty() && !judge.mistakes.has_inside(&path.to_string()) {
        let hint = "write `unlimited` if that is meant";
        judge.wrong(
            tier.span,
            path,
            "a tier without policies",
            "at least one",
            hint,
        );
    }
    judge.count(tier.span, path, policies.0.len(), QUOTA_WINDOWS_MAX);
    let mut limited: Vec<(String, Rate)> = Vec::new();
    for (name, allowance) in policies.iter() {
        let path = path.field(name);
        judge.name(name, &path);
        if name.len() > POLICY_NAME_LENGTH_MAX {
            let expected = format!("at most {POLICY_NAME_LENGTH_MAX} characters");
            judge.wrong(name.span, &path, format!("the name `{name}`"), expected, "");
        }
        if let Allowance::Limited(rate) = allowance.value {
            limited.push((name.value.clone(), rate));
        }
    }
    (!limited.is_empty()).then(|| limited.into())
}

fn versions(judge: &mut Judge<'_>) -> Vec<VersionFacts> {
    let section = ROOT.field("versions");
    let raw = judge.raw;
    let written = &raw.file.versions;
    let current = written.current.as_ref();
    let current_name = current.map_or(VERSION, |current| current.as_str());
    let accepted_path = section.field("accepted");
    if let Some((name, _)) = written.accepted.0.get(VERSIONS_MAX) {
        judge.count(
            name.span,
            &accepted_path,
            written.accepted.0.len(),
            VERSIONS_MAX,
        );
    }
    if let Some(current) = current {
        judge.name(current, &section.field("current"));
    }
    let mut versions: Vec<VersionFacts> = Vec::new();
    for (name, version) in written.accepted.iter() {
        let path = accepted_path.field(name);
        judge.name(name, &path);
        dates(judge, version, &path);
        guide(judge, version, &path);
        successor(judge, name, version, &written.accepted, &path);
        versions.push(VersionFacts {
            name: name.as_str().into(),
            current: name.value == current_name,
            deprecated_s: version.deprecated.as_ref().map(|date| date.unix_s),
            sunset_s: version.sunset.as_ref().map(|date| date.unix_s),
            guide: version.guide.as_ref().map(|guide| guide.value.clone()),
            successor: version
                .successor
                .as_ref()
                .map(|successor| successor.as_str().into()),
        });
    }
    let listed = judge.raw.tree.field(judge.raw.tree.root(), "versions");
    let listed = listed.and_then(|versions| judge.raw.tree.field(versions, "accepted"));
    if listed.is_none() {
        versions.push(VersionFacts {
            name: current_name.into(),
            current: true,
            deprecated_s: None,
            sunset_s: None,
            guide: None,
            successor: None,
        });
    } else if !versions.iter().any(|version| version.current) {
        let at = current
            .map(|current| current.span)
            .or_else(|| written.accepted.0.first().map(|(name, _)| name.span));
        let named = listed
            .and_then(|listed| judge.raw.tree.field(listed, current_name))
            .is_some();
        if let Some(span) = at.filter(|_| !named) {
            let found = format!("the current version `{current_name}`");
            let expected = "one of the accepted versions";
            judge.wrong(span, &section.field("current"), found, expected, "");
        }
    }
    versions
}

/// RFC 8594, section 3, as RFC 9745 has it: a version does not end before it is deprecated.
fn dates(judge: &mut Judge<'_>, version: &Version, path: &Path<'_>) {
    match (&version.deprecated, &version.sunset) {
        (Some(deprecated), Some(sunset)) if sunset.value < deprecated.value => {
            let found = "a sunset before the deprecation";
            judge.wrong(sunset.span, &path.field("sunset"), found, "", "");
        }
        (None, Some(sunset)) => {
            let found = "a sunset without a deprecation";
            let hint = "say since when the version is deprecated: `deprecated: 2026-01-31`";
            judge.wrong(sunset.span, &path.field("sunset"), found, "", hint);
        }
        _ => {}
    }
}

fn guide(judge: &mut Judge<'_>, version: &Version, path: &Path<'_>) {
    let Some(guide) = &version.guide else { return };
    // It stands between `<` and `>` in a Link field (RFC 8288, section 3).
    let url = guide.starts_with("https://") || guide.starts_with("http://");
    let plain = guide
        .bytes()
        .all(|b| b.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&b));
    if !url || !plain {
        let expected = "a URL, such as https://docs.example.com/migration";
        judge.wrong(
            guide.span,
            &path.field("guide"),
            format!("`{guide}`"),
            expected,
            "",
        );
    }
}

fn successor(
    judge: &mut Judge<'_>,
    name: &Spanned<String>,
    version: &Version,
    accepted: &Named<Version>,
    path: &Path<'_>,
) {
    let Some(successor) = &version.successor else {
        return;
    };
    let path = path.field("successor");
    if successor.value == name.value {
        let found = format!("version `{name}` as its own successor");
        judge.wrong(successor.span, &path, found, "another version", "");
    } else if !accepted.names().any(|known| known == successor.value) {
        let found = format!("the unknown version `{successor}`");
        let expected = "one of the accepted versions";
        judge.wrong(successor.span, &path, found, expected, "");
    }
}
