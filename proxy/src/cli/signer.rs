//! What `sign` and `request` share: whose key it is, and the fields that sign a request.

use crate::assemble::secrets;
use crate::telemetry::SystemClock;
use anyhow::{Context, bail};
use clap::Args;
use filters::clock::Clock;
use filters::key::{KeyError, KeyText};
use filters::names;
use filters::signing::{self, Scheme, Secret, Signed};
use http::HeaderName;
use uuid::Uuid;

/// Whose request it is, and how it is signed.
#[derive(Args)]
pub(super) struct SignerArgs {
    /// API key, or @FILE that holds it
    #[arg(
        long,
        env = "TIDEGATE_KEY",
        hide_env_values = true,
        value_name = "KEY|@FILE"
    )]
    key: Option<String>,
    /// Signing secret, or @FILE that holds it; rather use the variable or a file than the argument,
    /// which other users of the machine can see
    #[arg(
        long,
        env = "TIDEGATE_SECRET",
        hide_env_values = true,
        value_name = "SECRET|@FILE"
    )]
    secret: Option<String>,
    /// Signature scheme
    #[arg(long, default_value = "v1", value_parser = ["v1", "body-timestamp"])]
    scheme: String,
    /// X-Nonce, 8 to 64 visible characters; scheme v1 gets a random one when this is left out
    #[arg(long, value_name = "TEXT", conflicts_with = "no_nonce")]
    nonce: Option<String>,
    /// Send no nonce
    #[arg(long)]
    no_nonce: bool,
    /// X-Timestamp in Unix seconds; now when left out
    #[arg(long, value_name = "SECONDS")]
    timestamp: Option<u64>,
}

/// A key, its secret, and how they are used. It implements neither `Debug` nor `Display`.
pub(super) struct Signer {
    key: String,
    secret: Secret,
    scheme: Scheme,
    nonce: Nonce,
    timestamp: Option<u64>,
}

enum Nonce {
    None,
    Random,
    Fixed(String),
}

/// The fields that sign one request, and the text that was signed.
pub(super) struct SignedFields {
    /// Names as they are commonly written, and values.
    pub fields: Vec<(HeaderName, String)>,
    /// The signed bytes, for a person to compare.
    pub text: Vec<u8>,
}

/// A request's parts that a signature binds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unsigned<'a> {
    /// The method.
    pub method: &'a str,
    /// The raw path.
    pub path: &'a str,
    /// The raw query without its `?`.
    pub query: &'a str,
    /// The body.
    pub body: &'a [u8],
}

// === impl SignerArgs ===

impl SignerArgs {
    /// The signer; `None` when neither key nor secret was given.
    ///
    /// # Errors
    /// When only one of them was given, or something has not its form.
    pub(super) fn signer(&self) -> anyhow::Result<Option<Signer>> {
        let (key, secret) = match (&self.key, &self.secret) {
            (None, None) => return Ok(None),
            (Some(_), None) => bail!("no secret: set TIDEGATE_SECRET, or give --secret @FILE"),
            (None, Some(_)) => bail!("no key: set TIDEGATE_KEY, or give --key"),
            (Some(key), Some(secret)) => (secrets::argument(key)?, secrets::argument(secret)?),
        };
        if let Err(error) = KeyText::parse(key.as_bytes()) {
            bail!("{}", complaint(error));
        }
        if secret.is_empty() {
            bail!("the secret is empty");
        }
        let scheme = Scheme::from_name(&self.scheme)
            .with_context(|| format!("there is no scheme {}", self.scheme))?;
        let nonce = match &self.nonce {
            Some(_) if !scheme.binds_target() => bail!("scheme {} has no nonce", scheme.name()),
            Some(text) if signing::parse_nonce(text.as_bytes()).is_err() => {
                bail!("a nonce is 8 to 64 visible ASCII characters")
            }
            Some(text) => Nonce::Fixed(text.clone()),
            None if self.no_nonce || !scheme.binds_target() => Nonce::None,
            None => Nonce::Random,
        };
        let seconds = self.timestamp;
        if seconds.is_some_and(|s| signing::parse_timestamp(s.to_string().as_bytes()).is_err()) {
            bail!("a timestamp is 10 digits: Unix seconds");
        }
        Ok(Some(Signer {
            key,
            secret: Secret::new(secret.as_bytes()),
            scheme,
            nonce,
            timestamp: seconds,
        }))
    }
}

fn complaint(error: KeyError) -> &'static str {
    match error {
        KeyError::Prefix => "the key does not begin with ak_live_ or ak_test_",
        KeyError::Length => "the key has not its 44 characters",
        KeyError::Alphabet => "the key holds a character that no key has",
        KeyError::Checksum => "the key's check characters do not fit: it was copied wrongly",
    }
}

// === impl Signer ===

impl Signer {
    /// Signs one request. Each call takes a time and a nonce of its own, unless they were fixed.
    #[must_use]
    pub(super) fn sign(&self, request: Unsigned<'_>) -> SignedFields {
        let unix_s = self
            .timestamp
            .unwrap_or_else(|| SystemClock::new().now().unix_s());
        let timestamp = unix_s.to_string();
        let nonce = match &self.nonce {
            Nonce::None => String::new(),
            Nonce::Random => Uuid::now_v7().simple().to_string(),
            Nonce::Fixed(text) => text.clone(),
        };
        let signed = Signed {
            method: request.method,
            path: request.path.as_bytes(),
            query: request.query.as_bytes(),
            timestamp: &timestamp,
            nonce: &nonce,
        };
        let mac = signing::mac(self.scheme, &self.secret, &signed, request.body);
        let text = signing::string_to_sign(self.scheme, &signed, request.body);
        let mut fields = vec![
            (names::API_KEY, self.key.clone()),
            (names::TIMESTAMP, timestamp),
        ];
        if !nonce.is_empty() {
            fields.push((names::NONCE, nonce));
        }
        let signature = signing::header_value(self.scheme, &mac);
        fields.push((names::API_SIGNATURE, signature));
        SignedFields { fields, text }
    }
}

/// A field name as people write it: `X-API-Key`.
#[must_use]
pub(super) fn spelled(name: &HeaderName) -> String {
    let words = name.as_str().split('-').map(|word| match word {
        "api" => "API".to_owned(),
        "ratelimit" => "RateLimit".to_owned(),
        "www" => "WWW".to_owned(),
        _ => {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            first.into_iter().chain(letters).collect()
        }
    });
    words.collect::<Vec<String>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use clap::Parser;
    use filters::key::Environment;
    use filters::testing::key_text;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        signer: SignerArgs,
    }

    fn signer(arguments: &[&str]) -> anyhow::Result<Option<Signer>> {
        let line = Line::try_parse_from([&["tidegate"], arguments].concat())?;
        line.signer.signer()
    }

    fn complaint_of(arguments: &[&str]) -> String {
        match signer(arguments) {
            Ok(_) => String::new(),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn every_vector_is_signed_as_it_says() {
        let file = include_str!("../../../tests/vectors/signatures.json");
        let file: serde_json::Value = serde_json::from_str(file).unwrap();
        let key = key_text(Environment::Test, 1);
        let vectors = file["vectors"].as_array().unwrap();
        assert!(vectors.len() > 4);
        for vector in vectors {
            let text = |name: &str| vector[name].as_str().unwrap_or_default();
            let mut arguments = vec!["--key", &key, "--secret", text("secret")];
            arguments.extend(["--scheme", text("scheme"), "--timestamp", text("timestamp")]);
            // The other scheme signs no nonce: there the command line refuses one.
            if !text("nonce").is_empty() && text("scheme") == "v1" {
                arguments.extend(["--nonce", text("nonce")]);
            } else {
                arguments.push("--no-nonce");
            }
            let signer = signer(&arguments).unwrap().unwrap();
            let signed = signer.sign(Unsigned {
                method: text("method"),
                path: text("path"),
                query: text("query"),
                body: &STANDARD.decode(text("bodyBase64")).unwrap(),
            });
            let (name, value) = signed.fields.last().unwrap();
            assert_eq!(name, names::API_SIGNATURE);
            assert_eq!(value, text("signature"), "{}", text("name"));
            assert_eq!(STANDARD.encode(&signed.text), text("stringToSignBase64"));
        }
    }

    #[test]
    fn two_requests_take_two_nonces() {
        let key = key_text(Environment::Live, 1);
        let arguments = [
            "--key",
            &key,
            "--secret",
            "sk_x",
            "--timestamp",
            "1767225600",
        ];
        let signer = signer(&arguments).unwrap().unwrap();
        let request = Unsigned {
            method: "GET",
            path: "/",
            query: "",
            body: b"",
        };
        let (one, two) = (signer.sign(request), signer.sign(request));
        assert_ne!(one.fields.last(), two.fields.last());
        assert!(one.fields.iter().any(|(name, _)| name == names::NONCE));
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        let key = key_text(Environment::Live, 1);
        let key = key.as_str();
        let wrong = format!("{}0", &key[..key.len() - 1]);
        let wrong = wrong.as_str();
        let other = ["--key", key, "--secret", "sk_x"];
        for (arguments, part) in [
            (vec!["--key", key], "no secret"),
            (vec!["--secret", "sk_x"], "no key"),
            (
                vec!["--key", "pk_1", "--secret", "x"],
                "does not begin with ak_",
            ),
            (vec!["--key", "ak_live_1", "--secret", "x"], "44 characters"),
            (vec!["--key", wrong, "--secret", "x"], "copied wrongly"),
            (vec!["--key", key, "--secret", ""], "the secret is empty"),
            ([&other[..], &["--nonce", "short"]].concat(), "8 to 64"),
            (
                [&other[..], &["--timestamp", "1767225600000"]].concat(),
                "10 digits",
            ),
            (
                [
                    &other[..],
                    &["--scheme", "body-timestamp", "--nonce", "12345678"],
                ]
                .concat(),
                "has no nonce",
            ),
            (
                [&other[..], &["--scheme", "v2"]].concat(),
                "possible values",
            ),
        ] {
            let complaint = complaint_of(&arguments);
            assert!(complaint.contains(part), "{arguments:?}: {complaint}");
            assert!(!complaint.contains("sk_x"), "{complaint}");
        }
        assert!(signer(&[]).unwrap().is_none());
    }

    #[test]
    fn names_are_spelled_as_people_write_them() {
        for (name, text) in [
            ("x-api-key", "X-API-Key"),
            ("x-request-id", "X-Request-Id"),
            ("x-ratelimit-reset", "X-RateLimit-Reset"),
            ("retry-after", "Retry-After"),
            ("a--b", "A--B"),
        ] {
            assert_eq!(spelled(&HeaderName::from_static(name)), text);
        }
    }
}
