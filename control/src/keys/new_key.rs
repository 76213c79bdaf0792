//! What a key is asked for with, and what is refused of it.
//!
//! Texts that travel upstream in a header must fit into one, and whatever is stored is bounded: a
//! record is held in the memory of every proxy.

use super::error::Error;
use super::limits::{
    ATTRIBUTE_LENGTH_MAX, ATTRIBUTES_MAX, CONSUMER_LENGTH_MAX, LIFE, LIFE_MAX, NETWORKS_MAX,
    ROLES_MAX, SCOPES_MAX, WORD_LENGTH_MAX,
};
use filters::key::Environment;
use filters::limits::QUOTA_WINDOWS_MAX;
use filters::units::{Network, Rate};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A key that is asked for.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The partner it belongs to: 1 to 128 visible ASCII characters. Made known when it is new.
    pub consumer: String,
    /// A name for people.
    pub name: String,
    /// Live or sandbox.
    pub environment: Environment,
    /// The tier's name in the policy file. Whether it is there, the caller knows.
    pub tier: String,
    /// Scopes, each after RFC 6749, section 3.3.
    pub scopes: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Attributes, for authorization.
    pub attributes: BTreeMap<String, String>,
    /// Addresses that it may be used from; empty: any.
    pub networks: Vec<Network>,
    /// Limits of its own, in place of the tier's: policy name and rate.
    pub limits: Option<Vec<(String, Rate)>>,
    /// When it ends.
    pub expires: Expires,
}

/// When a key ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expires {
    /// In one year.
    #[default]
    InOneYear,
    /// After this span, at least one second and at most twenty years.
    After(Duration),
    /// Not by itself.
    Never,
}

// === impl Expires ===

impl Expires {
    /// The span from now on; `None`: no end.
    #[must_use]
    pub const fn span(self) -> Option<Duration> {
        match self {
            Self::InOneYear => Some(LIFE),
            Self::After(span) => Some(span),
            Self::Never => None,
        }
    }
}

// === impl NewKey ===

impl NewKey {
    /// A key with nothing but what it must have: no scopes, roles or limits of its own, any address,
    /// one year.
    #[must_use]
    pub fn new(consumer: &str, name: &str, environment: Environment, tier: &str) -> Self {
        Self {
            consumer: consumer.to_owned(),
            name: name.to_owned(),
            environment,
            tier: tier.to_owned(),
            scopes: Vec::new(),
            roles: Vec::new(),
            attributes: BTreeMap::new(),
            networks: Vec::new(),
            limits: None,
            expires: Expires::default(),
        }
    }

    /// Proves that it can be issued.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the first field that cannot.
    pub fn validate(&self) -> Result<(), Error> {
        let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !length_within(&self.consumer, CONSUMER_LENGTH_MAX) || !visible(&self.consumer) {
            let expected = format!("1 to {CONSUMER_LENGTH_MAX} visible ASCII characters");
            return Err(Error::invalid("consumer", expected));
        }
        if !length_within(&self.name, WORD_LENGTH_MAX) || self.name.chars().any(char::is_control) {
            let expected = format!("1 to {WORD_LENGTH_MAX} characters without control characters");
            return Err(Error::invalid("name", expected));
        }
        words("tier", std::slice::from_ref(&self.tier), 1)?;
        words("scopes", &self.scopes, SCOPES_MAX)?;
        words("roles", &self.roles, ROLES_MAX)?;
        self.validate_attributes()?;
        if self.networks.len() > NETWORKS_MAX {
            let expected = format!("at most {NETWORKS_MAX} addresses and networks");
            return Err(Error::invalid("networks", expected));
        }
        if let Some(limits) = &self.limits {
            validate_limits(limits)?;
        }
        match self.expires.span() {
            Some(span) if span < Duration::from_secs(1) || span > LIFE_MAX => Err(Error::invalid(
                "expires",
                "one second to twenty years, or never",
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn validate_attributes(&self) -> Result<(), Error> {
        if self.attributes.len() > ATTRIBUTES_MAX {
            let expected = format!("at most {ATTRIBUTES_MAX} attributes");
            return Err(Error::invalid("attributes", expected));
        }
        for (name, value) in &self.attributes {
            words("attributes", std::slice::from_ref(name), 1)?;
            if value.len() > ATTRIBUTE_LENGTH_MAX || value.chars().any(char::is_control) {
                let expected = format!(
                    "values of at most {ATTRIBUTE_LENGTH_MAX} bytes without control characters"
                );
                return Err(Error::invalid("attributes", expected));
            }
        }
        Ok(())
    }
}

fn validate_limits(limits: &[(String, Rate)]) -> Result<(), Error> {
    if limits.is_empty() || limits.len() > QUOTA_WINDOWS_MAX {
        let expected = format!("1 to {QUOTA_WINDOWS_MAX} policies, or none of its own");
        return Err(Error::invalid("limits", expected));
    }
    let names: Vec<String> = limits.iter().map(|(name, _)| name.clone()).collect();
    words("limits", &names, QUOTA_WINDOWS_MAX)?;
    if limits
        .iter()
        .any(|(_, rate)| rate.limit == 0 || rate.window_s == 0)
    {
        return Err(Error::invalid("limits", "rates above 0, such as 100/min"));
    }
    Ok(())
}

/// Scope tokens after RFC 6749, section 3.3: `1*( %x21 / %x23-5B / %x5D-7E )`, each once.
fn words(field: &'static str, words: &[String], max: usize) -> Result<(), Error> {
    if words.len() > max {
        return Err(Error::invalid(field, format!("at most {max}")));
    }
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    let good = |word: &String| length_within(word, WORD_LENGTH_MAX) && word.bytes().all(plain);
    if !words.iter().all(good) {
        let expected = format!(
            "words of 1 to {WORD_LENGTH_MAX} visible ASCII characters without quotes or backslashes"
        );
        return Err(Error::invalid(field, expected));
    }
    let different: BTreeSet<&String> = words.iter().collect();
    if different.len() != words.len() {
        return Err(Error::invalid(field, "every word once"));
    }
    Ok(())
}

const fn length_within(text: &str, max: usize) -> bool {
    !text.is_empty() && text.len() <= max
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> NewKey {
        NewKey::new("acme", "Orders", Environment::Live, "pro")
    }

    fn check(name: &str, field: Option<&str>, change: impl FnOnce(&mut NewKey)) {
        let mut key = key();
        change(&mut key);
        let found = match key.validate() {
            Ok(()) => None,
            Err(Error::Invalid { field, .. }) => Some(field),
            Err(other) => panic!("{name}: {other}"),
        };
        assert_eq!(found, field, "{name}");
    }

    #[test]
    fn what_cannot_be_issued_is_refused_by_field() {
        let year = Duration::from_secs(365 * 86_400);
        let rate = Rate {
            limit: 1,
            window_s: 1,
        };
        check("plain", None, |_| ());
        check("consumer of 128", None, |k| k.consumer = "c".repeat(128));
        check("consumer of 129", Some("consumer"), |k| {
            k.consumer = "c".repeat(129)
        });
        check("no consumer", Some("consumer"), |k| k.consumer.clear());
        check("line end", Some("consumer"), |k| {
            k.consumer = "a\r\nb".into()
        });
        check("letters for people", None, |k| {
            k.name = "Bestellungen für Köln".into()
        });
        check("no name", Some("name"), |k| k.name.clear());
        check("bell", Some("name"), |k| k.name = "\u{7}".into());
        check("tier of two words", Some("tier"), |k| k.tier = "a b".into());
        check("scope", None, |k| k.scopes = vec!["orders:read".into()]);
        check("empty scope", Some("scopes"), |k| {
            k.scopes = vec![String::new()]
        });
        check("scope twice", Some("scopes"), |k| {
            k.scopes = vec!["a".into(), "a".into()]
        });
        check("quote", Some("scopes"), |k| k.scopes = vec!["\"".into()]);
        check("64 scopes", None, |k| {
            k.scopes = (0..64).map(|n| n.to_string()).collect()
        });
        check("65 scopes", Some("scopes"), |k| {
            k.scopes = (0..65).map(|n| n.to_string()).collect();
        });
        check("role", Some("roles"), |k| k.roles = vec!["é".into()]);
        check("attribute", None, |k| {
            k.attributes.insert("region".into(), "eu".into());
        });
        check("control in attribute", Some("attributes"), |k| {
            k.attributes.insert("region".into(), "\n".into());
        });
        check("limits", None, |k| {
            k.limits = Some(vec![("burst".into(), rate)])
        });
        check("no limits", Some("limits"), |k| k.limits = Some(Vec::new()));
        check("zero", Some("limits"), |k| {
            k.limits = Some(vec![("burst".into(), Rate { limit: 0, ..rate })]);
        });
        check("one second", None, |k| {
            k.expires = Expires::After(Duration::from_secs(1))
        });
        check("at once", Some("expires"), |k| {
            k.expires = Expires::After(Duration::ZERO)
        });
        check("20 years", None, |k| k.expires = Expires::After(year * 20));
        check("21 years", Some("expires"), |k| {
            k.expires = Expires::After(year * 21)
        });
        check("never", None, |k| k.expires = Expires::Never);
    }
}
