//! What an operator writes in `DATABASE_URL`.
//!
//! The driver reads libpq's address; this page adds the two things that it does not know,
//! `sslmode=verify-full` and `sslrootcert`, and holds the one rule about errors: an address carries
//! a password, so no message ever repeats it.

use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::error::Error;

/// An address as the driver wants it, and where to find whom we trust.
pub(crate) struct Address {
    pub(crate) config: Config,
    /// A file of certificates in PEM that may have signed the server's.
    pub(crate) root_certificates: Option<PathBuf>,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?sslmode=…` or `host=… user=…`.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let (url, root_certificates) = without_tls_extensions(url);
        let Ok(mut config) = url.parse::<Config>() else {
            return Err(Error::configuration(
                "the database's address cannot be read: \
                 expected postgres://user:password@host:port/database?sslmode=require",
            ));
        };
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(Error::configuration("the database's address names no host"));
        }
        if config
            .get_hosts()
            .iter()
            .any(|host| !matches!(host, Host::Tcp(_)))
        {
            // There is no TLS on a Unix socket, and the driver refuses to try.
            config.ssl_mode(SslMode::Disable);
        }
        Ok(Self {
            config,
            root_certificates,
        })
    }

    /// Host, port and database for people; never the user's password.
    pub(crate) fn name(&self) -> String {
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => format!("{host}:{port}"),
            #[cfg(unix)]
            Some(Host::Unix(folder)) => format!("{}/.s.PGSQL.{port}", folder.display()),
            None => match self.config.get_hostaddrs().first() {
                Some(address) => format!("{address}:{port}"),
                None => "localhost".to_owned(),
            },
        };
        match self.config.get_dbname() {
            Some(database) => format!("{host}, database {database}"),
            None => host,
        }
    }
}

/// Takes `sslrootcert` out of a URL and writes `verify-ca` and `verify-full` as `require`, which
/// always verifies here.
fn without_tls_extensions(url: &str) -> (String, Option<PathBuf>) {
    let Some((front, query)) = url.split_once('?') else {
        return (url.to_owned(), None);
    };
    let mut root = None;
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslrootcert", path)) => root = Some(PathBuf::from(percent_decoded(path))),
            Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
            _ => kept.push(pair),
        }
    }
    match kept.is_empty() {
        true => (front.to_owned(), root),
        false => (format!("{front}?{}", kept.join("&")), root),
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escape = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (
            first,
            escape.and_then(|two| u8::from_str_radix(two, 16).ok()),
        ) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_server_and_hides_the_password() {
        let cases = [
            (
                "postgres://u:hunter2@db.example:6432/shop",
                "db.example:6432, database shop",
            ),
            ("postgres://u:hunter2@db.example", "db.example:5432"),
            (
                "host=db.example user=u password=hunter2 dbname=shop",
                "db.example:5432, database shop",
            ),
            (
                "postgres://u@%2Frun%2Fpg/shop",
                "/run/pg/.s.PGSQL.5432, database shop",
            ),
        ];
        for (url, wanted) in cases {
            assert_eq!(Address::parse(url).unwrap().name(), wanted, "{url}");
        }
        for url in [
            "",
            "hunter2",
            "mysql://u:hunter2@h/d",
            "postgres://u:hunter2@h:port/d",
            "postgres://u:hunter2@h/d?sslmode=hunter2",
        ] {
            let error = Address::parse(url)
                .err()
                .expect("not an address")
                .to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn reads_what_the_driver_does_not_know() {
        let cases = [
            (
                "postgres://u@h/d?sslmode=verify-full&sslrootcert=%2Fetc%2Fca%20s.pem",
                SslMode::Require,
                Some("/etc/ca s.pem"),
            ),
            (
                "postgres://u@h/d?sslrootcert=ca.pem",
                SslMode::Prefer,
                Some("ca.pem"),
            ),
            ("postgres://u@h/d?sslmode=require", SslMode::Require, None),
            ("postgres://u@h/d?sslmode=disable", SslMode::Disable, None),
            (
                "postgres://u@%2Frun/d?sslmode=require",
                SslMode::Disable,
                None,
            ),
        ];
        for (url, mode, root) in cases {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.config.get_ssl_mode(), mode, "{url}");
            assert_eq!(
                address.root_certificates.as_deref(),
                root.map(std::path::Path::new),
                "{url}"
            );
        }
    }
}
