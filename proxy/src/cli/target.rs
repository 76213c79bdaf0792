//! A URL, taken apart without changing a byte of it: what is signed is what was written.

use anyhow::{Context, bail};

/// Where a request goes, in the parts that a signature binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The URL without its fragment, as it is requested.
    pub url: String,
    /// The raw path; `/` when the URL has none.
    pub path: String,
    /// The raw query without its `?`; empty when there is none.
    pub query: String,
}

impl Target {
    /// Takes `http://host/path?query` apart; `/path?query` alone is enough for signing.
    ///
    /// # Errors
    /// When it is neither.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let url = text.split_once('#').map_or(text, |(before, _)| before);
        let rest = if url.starts_with('/') {
            url
        } else {
            let (scheme, rest) = url.split_once("://").with_context(|| {
                format!("{url} is no URL: write http://HOST/PATH or https://HOST/PATH")
            })?;
            if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
                bail!("{scheme} is no scheme for a request: write http or https");
            }
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            if end == 0 {
                bail!("{url} names no host");
            }
            &rest[end..]
        };
        if let Some(odd) = rest.chars().find(|c| !c.is_ascii_graphic()) {
            bail!("the URL holds {odd:?}: percent-encode it");
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self {
            url: url.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
        })
    }
}

/// A method's name as it is sent: letters are made upper case, for `get` is no method.
///
/// # Errors
/// When it is no token (RFC 9110, section 5.6.2).
pub(super) fn method(text: &str) -> anyhow::Result<String> {
    let upper = text.to_ascii_uppercase();
    match http::Method::from_bytes(upper.as_bytes()) {
        Ok(_) => Ok(upper),
        Err(_) => bail!("{text:?} is no method: write GET, POST, …"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_not_changed() {
        for (text, url, path, query) in [
            ("http://a/b?c=d", "http://a/b?c=d", "/b", "c=d"),
            ("HTTPS://a:8443/b%2fc", "HTTPS://a:8443/b%2fc", "/b%2fc", ""),
            ("http://a", "http://a", "/", ""),
            ("http://a?x=1", "http://a?x=1", "/", "x=1"),
            ("http://a/?b=2&a=1&", "http://a/?b=2&a=1&", "/", "b=2&a=1&"),
            ("http://a/q?a?b", "http://a/q?a?b", "/q", "a?b"),
            ("http://[::1]:80/b#c?d", "http://[::1]:80/b", "/b", ""),
            ("/b/../c?d", "/b/../c?d", "/b/../c", "d"),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!(
                (&*target.url, &*target.path, &*target.query),
                (url, path, query),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for (text, part) in [
            ("example/path", "is no URL"),
            ("", "is no URL"),
            ("ftp://a/b", "ftp is no scheme"),
            ("http:///b", "names no host"),
            ("http://a/b c", "holds ' '"),
            ("/ä", "holds 'ä'"),
        ] {
            let error = Target::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn methods_are_upper_case_tokens() {
        assert_eq!(method("get").unwrap(), "GET");
        assert_eq!(method("PATCH").unwrap(), "PATCH");
        assert!(method("G T").is_err());
        assert!(method("").is_err());
    }
}
