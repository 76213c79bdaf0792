//! How keys are shown: aligned lines for people, JSON lines for scripts.

use crate::cli::output;
use control::keys::{Issued, KeyView, UsageDay};
use serde_json::{Value, json};

/// A key just made, with its secret: the only time that it is seen.
pub(super) fn issued(issued: &Issued, as_json: bool) -> anyhow::Result<()> {
    let (key, secret) = (issued.key.reveal(), issued.secret.reveal());
    if as_json {
        let value = json!({ "id": issued.id, "key": key, "secret": secret });
        return output::line(&value.to_string());
    }
    output::tell("shown once: keep the secret where only its owner reads it");
    output::line(&format!(
        "id      {}\nkey     {key}\nsecret  {secret}",
        issued.id
    ))
}

/// Many keys, one a line.
pub(super) fn list(keys: &[KeyView], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        for key in keys {
            output::line(&value(key).to_string())?;
        }
        return Ok(());
    }
    if keys.is_empty() {
        output::tell("no keys");
        return Ok(());
    }
    let mut rows = vec![
        [
            "ID",
            "CONSUMER",
            "NAME",
            "TIER",
            "KEY",
            "STATE",
            "LAST USED",
        ]
        .map(String::from),
    ];
    for key in keys {
        rows.push([
            key.id.clone(),
            key.consumer.clone(),
            key.name.clone(),
            key.tier.clone(),
            abbreviated(key),
            state(key),
            key.last_used_at
                .map_or_else(|| "never".to_owned(), |at| format!("{at:.0}")),
        ]);
    }
    output::line(&table(&rows))
}

/// One key and its days.
pub(super) fn one(key: &KeyView, days: &[UsageDay], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let mut value = value(key);
        value["usage"] = days
            .iter()
            .map(|day| {
                json!({
                    "day": day.day.to_string(),
                    "requests": day.requests,
                    "errors": day.errors,
                })
            })
            .collect();
        return output::line(&value.to_string());
    }
    let or_none = |list: &[String]| match list {
        [] => "none".to_owned(),
        list => list.join(" "),
    };
    let limits = key.limits.as_ref().map_or_else(
        || "those of the tier".to_owned(),
        |limits| {
            let one = |(name, rate): &(String, filters::units::Rate)| {
                format!("{name} {} in {} s", rate.limit, rate.window_s)
            };
            limits.iter().map(one).collect::<Vec<_>>().join(", ")
        },
    );
    let mut lines = vec![
        ["id".to_owned(), key.id.clone()],
        ["consumer".to_owned(), key.consumer.clone()],
        ["name".to_owned(), key.name.clone()],
        ["key".to_owned(), abbreviated(key)],
        ["tier".to_owned(), key.tier.clone()],
        ["limits".to_owned(), limits],
        ["scopes".to_owned(), or_none(&key.scopes)],
        ["roles".to_owned(), or_none(&key.roles)],
        [
            "addresses".to_owned(),
            match key.networks.as_slice() {
                [] => "any".to_owned(),
                networks => networks.join(" "),
            },
        ],
        ["created".to_owned(), format!("{:.0}", key.created_at)],
        ["state".to_owned(), state(key)],
    ];
    for old in key.credentials.iter().skip(1) {
        let until = old
            .until
            .map_or_else(String::new, |until| format!(" until {until:.0}"));
        lines.push([
            "also".to_owned(),
            format!("{}…{}{until}", old.prefix, old.last_four),
        ]);
    }
    for day in days {
        let text = format!("{} requests, {} errors", day.requests, day.errors);
        lines.push([day.day.to_string(), text]);
    }
    output::line(&table(&lines))
}

fn abbreviated(key: &KeyView) -> String {
    key.credentials.first().map_or_else(
        || "none".to_owned(),
        |current| format!("{}…{}", current.prefix, current.last_four),
    )
}

fn state(key: &KeyView) -> String {
    match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {at:.0}"),
        (None, Some(end)) => format!("until {end:.0}"),
        (None, None) => "no end".to_owned(),
    }
}

fn value(key: &KeyView) -> Value {
    json!({
        "id": key.id,
        "consumer": key.consumer,
        "name": key.name,
        "env": key.environment.as_str(),
        "tier": key.tier,
        "scopes": key.scopes,
        "roles": key.roles,
        "attributes": key.attributes,
        "networks": key.networks,
        "createdAt": key.created_at.to_string(),
        "expiresAt": key.expires_at.map(|at| at.to_string()),
        "revokedAt": key.revoked_at.map(|at| at.to_string()),
        "lastUsedAt": key.last_used_at.map(|at| at.to_string()),
        "lastFour": key.credentials.first().map(|current| current.last_four.clone()),
    })
}

/// Columns as wide as their widest word.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let padded: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let rows = [["a", "bb", "c"], ["äää", "b", ""]].map(|row| row.map(String::from));
        assert_eq!(table(&rows), "a    bb  c\näää  b");
    }
}
