//! What to do about a mistake: the nearest known name, or the same quantity with its unit.

use filters::units::{Duration, Rate, Size};

/// The known name that is most like `found`, if one is like it at all.
pub(crate) fn nearest<'a>(
    found: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Two letters in three may be as they should; the shortest names need one that fits.
    let allowed = ((found.chars().count() + 1) / 3).max(1);
    known
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&found.to_lowercase(), &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// "did you mean `x`?", or the list of what is known, or nothing.
pub(crate) fn did_you_mean<'a>(
    found: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    // A name of a megabyte is like none of ours, and would take its time to compare.
    if found.len() <= 64
        && let Some(name) = nearest(found, known.clone())
    {
        return format!("did you mean `{name}`?");
    }
    list(known)
        .map(|list| format!("known here: {list}"))
        .unwrap_or_default()
}

/// `a`, `b`, `c`; `None` when there is none. A long list ends in `…`.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const NAMES: usize = 16;
    let mut names = names.into_iter();
    let mut list: Vec<_> = names
        .by_ref()
        .take(NAMES)
        .map(|name| format!("`{name}`"))
        .collect();
    if names.next().is_some() {
        list.push("…".to_owned());
    }
    (!list.is_empty()).then(|| list.join(", "))
}

/// The quantity that was probably meant where `expected` says which kind it is.
pub(super) fn quantity(expected: &str, text: &str) -> String {
    let candidate = if expected.starts_with("a span of time") {
        duration(text).filter(|text| text.parse::<Duration>().is_ok())
    } else if expected.starts_with("a size") {
        size(text).filter(|text| text.parse::<Size>().is_ok())
    } else if expected.starts_with("a rate") {
        rate(text).filter(|text| text.parse::<Rate>().is_ok())
    } else {
        None
    };
    candidate
        .map(|text| format!("write `{text}`"))
        .unwrap_or_default()
}

/// A number, perhaps with a fraction, and what stands behind it.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    (end > 0).then(|| (&text[..end], text[end..].trim()))
}

fn duration(text: &str) -> Option<String> {
    let (number, unit) = split(text)?;
    let unit = match unit.to_ascii_lowercase().as_str() {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "ms" | "msec" | "millis" | "milliseconds" => "ms",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        _ => return None,
    };
    match number.split_once('.') {
        None => Some(format!("{number}{unit}")),
        Some((whole, fraction)) => {
            let (smaller, factor) = match unit {
                "s" => ("ms", 1000),
                "m" => ("s", 60),
                "h" => ("m", 60),
                _ => return None,
            };
            Some(format!("{}{smaller}", scaled(whole, fraction, factor)?))
        }
    }
}

fn size(text: &str) -> Option<String> {
    let (number, unit) = split(text)?;
    let (unit, smaller) = match unit.to_ascii_lowercase().as_str() {
        "" | "b" | "byte" | "bytes" => ("B", ""),
        "k" | "kb" | "kib" => ("KiB", "B"),
        "m" | "mb" | "mib" => ("MiB", "KiB"),
        "g" | "gb" | "gib" => ("GiB", "MiB"),
        _ => return None,
    };
    match number.split_once('.') {
        None => Some(format!("{number}{unit}")),
        Some((whole, fraction)) => Some(format!("{}{smaller}", scaled(whole, fraction, 1024)?)),
    }
}

fn rate(text: &str) -> Option<String> {
    let (number, unit) = split(text)?;
    let unit = unit
        .trim_start_matches(['/', ' '])
        .trim_start_matches("per ")
        .to_ascii_lowercase();
    let unit = match unit.as_str() {
        "s" | "sec" | "second" | "1s" | "rps" => "s",
        "" | "m" | "min" | "minute" | "1m" | "60s" | "rpm" => "min",
        "h" | "hr" | "hour" | "1h" => "h",
        "d" | "day" | "1d" => "day",
        _ => return None,
    };
    Some(format!("{number}/{unit}"))
}

/// `whole.fraction` times `factor`, if that is a whole number.
fn scaled(whole: &str, fraction: &str, factor: u64) -> Option<u64> {
    let places = u32::try_from(fraction.len())
        .ok()
        .filter(|places| (1..=6).contains(places))?;
    let tens = 10u64.pow(places);
    let number = whole
        .parse::<u64>()
        .ok()?
        .checked_mul(tens)?
        .checked_add(fraction.parse().ok()?)?;
    let scaled = number.checked_mul(factor)?;
    scaled.is_multiple_of(tens).then_some(scaled / tens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_one_that_is_like_it() {
        let known = ["listeners", "routes", "upstreams", "tls"];
        for (found, name) in [
            ("listener", Some("listeners")),
            ("Listeners", Some("listeners")),
            ("upsterams", Some("upstreams")),
            ("tsl", Some("tls")),
            ("entirely", None),
            ("", None),
        ] {
            assert_eq!(nearest(found, known), name, "{found}");
        }
        assert_eq!(
            did_you_mean("x", ["long", "short"]),
            "known here: `long`, `short`"
        );
        assert_eq!(did_you_mean("x", []), "");
    }

    #[test]
    fn a_quantity_is_offered_with_its_unit() {
        let time = "a span of time with its unit";
        let size = "a size with its unit";
        let rate = "a rate, such as";
        for (expected, text, hint) in [
            (time, "300", "write `300s`"),
            (time, "300 s", "write `300s`"),
            (time, "5 minutes", "write `5m`"),
            (time, "1.5h", "write `90m`"),
            (time, "0.3333333s", ""),
            (time, "soon", ""),
            (size, "1MB", "write `1MiB`"),
            (size, "1024", "write `1024B`"),
            (size, "1.5MiB", "write `1536KiB`"),
            (rate, "100", "write `100/min`"),
            (rate, "100/minute", "write `100/min`"),
            (rate, "0/min", ""),
            ("text", "100", ""),
        ] {
            assert_eq!(quantity(expected, text), hint, "{expected}: {text}");
        }
    }
}
