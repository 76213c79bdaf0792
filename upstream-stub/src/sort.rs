//! The order of a list (FR-014) and the fields that it shows (FR-015). What is sent chooses among
//! texts that stand in the source; it never becomes SQL.

use serde::Serialize;
use serde_json::Value;

use crate::envelope::Refusal;
use crate::parameters::{Parameters, Reason};

/// A field to sort by: its name, and the SQL for both directions.
pub(crate) struct SortField {
    pub(crate) name: &'static str,
    pub(crate) ascending: &'static str,
    pub(crate) descending: &'static str,
}

/// Takes `sort` and `order` and makes the text after `ORDER BY`, which ends with `tail`.
pub(crate) fn take(
    parameters: &mut Parameters,
    known: &'static [SortField],
    default: &'static str,
    tail: &'static str,
) -> String {
    let fields = parameters.take("sort", |text| fields_of(text, known));
    let orders = parameters.take("order", directions);
    let (fields, orders) = match (fields, orders) {
        (None, None) => return format!("{default}, {tail}"),
        (None, Some(_)) => {
            parameters.problem("order", "needs the parameter sort");
            return String::new();
        }
        (Some(fields), orders) => (fields, orders.unwrap_or_else(|| vec![false])),
    };
    if orders.len() != 1 && orders.len() != fields.len() {
        parameters.problem("order", "must have one value, or as many as sort");
    }
    let mut text = String::new();
    for (at, field) in fields.iter().enumerate() {
        let descending = orders.get(at).or(orders.first()).copied().unwrap_or(false);
        text.push_str(if descending {
            field.descending
        } else {
            field.ascending
        });
        text.push_str(", ");
    }
    text.push_str(tail);
    text
}

/// Takes `fields`: which ones of each item are shown.
pub(crate) fn take_fields(
    parameters: &mut Parameters,
    known: &'static [&'static str],
) -> Option<Vec<String>> {
    parameters.take("fields", crate::parameters::among(known))
}

/// An item with the fields that were asked for.
pub(crate) fn shown(item: &impl Serialize, fields: Option<&[String]>) -> Result<Value, Refusal> {
    let mut value = serde_json::to_value(item).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        Refusal::internal()
    })?;
    if let (Some(fields), Value::Object(map)) = (fields, &mut value) {
        map.retain(|name, _| fields.contains(name));
    }
    Ok(value)
}

fn fields_of(text: &str, known: &'static [SortField]) -> Result<Vec<&'static SortField>, Reason> {
    let mut fields: Vec<&SortField> = Vec::new();
    for name in text.split(',') {
        match known.iter().find(|field| field.name == name) {
            Some(field) if fields.iter().all(|other| other.name != name) => fields.push(field),
            _ => {
                let names: Vec<_> = known.iter().map(|field| field.name).collect();
                return Err(format!("must be some of {}, each once", names.join(", ")).into());
            }
        }
    }
    Ok(fields)
}

fn directions(text: &str) -> Result<Vec<bool>, Reason> {
    text.split(',')
        .map(|word| match word {
            "asc" => Ok(false),
            "desc" => Ok(true),
            _ => Err("must be asc or desc, or a list of them".into()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[SortField] = &[
        SortField {
            name: "name",
            ascending: "n ASC",
            descending: "n DESC",
        },
        SortField {
            name: "price",
            ascending: "p ASC",
            descending: "p DESC",
        },
    ];

    #[test]
    fn orders_are_made_of_known_pieces() {
        for (query, expected) in [
            ("", Some("c DESC, id")),
            ("sort=name", Some("n ASC, id")),
            ("sort=name&order=desc", Some("n DESC, id")),
            ("sort=name,price&order=desc", Some("n DESC, p DESC, id")),
            ("sort=price,name&order=asc,desc", Some("p ASC, n DESC, id")),
            ("sort=name,name", None),
            ("sort=id", None),
            ("sort=", None),
            ("sort=name;drop", None),
            ("order=desc", None),
            ("sort=name&order=down", None),
            ("sort=name&order=asc,desc", None),
            ("sort=name,price&order=asc,desc,asc", None),
        ] {
            let mut parameters = Parameters::new(query);
            let text = take(&mut parameters, KNOWN, "c DESC", "id");
            let found = parameters.finish().is_ok().then_some(text);
            assert_eq!(found.as_deref(), expected, "{query:?}");
        }
    }
}
