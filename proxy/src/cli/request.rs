//! `tidegate request`: signs a request, sends it, and shows the answer.
//!
//! On a terminal: status, the fields that a partner looks for, and the body. Piped: the raw body
//! alone. The exit code is 1 for an answer of 400 and above, so that scripts can tell.

use super::input::BodySource;
use super::limits::{ANSWER_TIME, BODY_BYTES_MAX, CONNECT_TIME, REPEAT_MAX};
use super::output::{self, Style, harmless, paint};
use super::signer::{Signer, SignerArgs, Unsigned, spelled};
use super::target::{Target, method};
use anyhow::{Context, bail};
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use reqwest::{Client, Response, Url};
use std::error::Error;
use std::io::IsTerminal;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  A signed GET, key and secret from the environment:
    export TIDEGATE_KEY=ak_test_… TIDEGATE_SECRET=sk_…
    tidegate request GET http://127.0.0.1:8080/api/v1/orders

  A signed POST with a body, and its answer for jq:
    tidegate request POST http://127.0.0.1:8080/api/v1/orders -d @order.json | jq .data.id

  The same request 25 times, each with a signature of its own, until the limit is met:
    tidegate request GET http://127.0.0.1:8080/api/v1/products --repeat 25";

/// Fields of an answer that are shown on a terminal, in this order.
const SHOWN: [HeaderName; 13] = [
    header::CONTENT_TYPE,
    header::LOCATION,
    header::ALLOW,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    filters::names::RATELIMIT_LIMIT,
    filters::names::RATELIMIT_REMAINING,
    filters::names::RATELIMIT_RESET,
    filters::names::RATELIMIT_POLICY,
    filters::names::RATELIMIT,
    filters::names::API_VERSION,
    filters::names::DEPRECATION,
    filters::names::REQUEST_ID,
];

/// Signs a request, sends it, and shows the answer
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RequestArgs {
    /// Method: GET, POST, …
    method: String,
    /// URL
    url: String,
    /// Body: the text itself, @FILE, or @- for standard input
    #[arg(short, long, value_name = "TEXT|@FILE")]
    data: Option<String>,
    /// A header more; may be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Show all header fields, also when piped
    #[arg(short, long)]
    include: bool,
    /// Send it so many times, one after the other, and show one line for each answer
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(REPEAT_MAX)))]
    repeat: u32,
    #[command(flatten)]
    signer: SignerArgs,
}

/// What is sent, as often as asked.
struct Sending {
    client: Client,
    method: http::Method,
    url: Url,
    headers: HeaderMap,
    body: bytes::Bytes,
    signer: Option<Signer>,
}

/// Runs the command.
///
/// # Errors
/// When something is missing or has not its form, and when there is no answer.
pub(super) async fn run(arguments: &RequestArgs) -> anyhow::Result<ExitCode> {
    let sending = Sending::of(arguments)?;
    if arguments.repeat == 1 {
        let response = sending.send().await?;
        let failed = response.status().as_u16() >= 400;
        show(response, arguments.include).await?;
        return Ok(ExitCode::from(u8::from(failed)));
    }
    let mut failed = false;
    let colours = output::colours();
    for n in 1..=arguments.repeat {
        let response = sending.send().await?;
        failed |= response.status().as_u16() >= 400;
        output::line(&one_line(n, response.status(), response.headers(), colours))?;
        read(response).await?;
    }
    Ok(ExitCode::from(u8::from(failed)))
}

// === impl Sending ===

impl Sending {
    fn of(arguments: &RequestArgs) -> anyhow::Result<Self> {
        let method = method(&arguments.method)?;
        let target = Target::parse(&arguments.url)?;
        let url = Url::parse(&target.url)
            .with_context(|| format!("{} is no URL to send to", arguments.url))?;
        let signer = arguments.signer.signer()?;
        if signer.is_none() {
            output::tell("no key and no secret given: the request is sent unsigned");
        }
        let source = BodySource::of(arguments.data.as_deref());
        let mut headers = HeaderMap::new();
        if source != BodySource::Empty {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        let mut own = HeaderMap::new();
        for line in &arguments.headers {
            let (name, value) = field(line)?;
            own.append(name, value);
        }
        // A field of the caller's stands in for ours of the same name.
        for name in own.keys() {
            headers.remove(name);
        }
        headers.extend(own);
        let client = Client::builder()
            .connect_timeout(CONNECT_TIME)
            .timeout(ANSWER_TIME)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("the client cannot be set up")?;
        Ok(Self {
            client,
            method: method.parse().context("the method cannot be sent")?,
            url,
            headers,
            body: source.read()?.into(),
            signer,
        })
    }

    async fn send(&self) -> anyhow::Result<Response> {
        let mut headers = self.headers.clone();
        if let Some(signer) = &self.signer {
            // Signed is what goes out: the URL as the client library spells it.
            let signed = signer.sign(Unsigned {
                method: self.method.as_str(),
                path: self.url.path(),
                query: self.url.query().unwrap_or_default(),
                body: &self.body,
            });
            for (name, value) in signed.fields {
                let mut value = HeaderValue::try_from(value)
                    .with_context(|| format!("{} cannot be sent", spelled(&name)))?;
                value.set_sensitive(true);
                headers.entry(name).or_insert(value);
            }
        }
        let request = self.client.request(self.method.clone(), self.url.clone());
        let sent = request.headers(headers).body(self.body.clone()).send();
        match sent.await {
            Ok(response) => Ok(response),
            Err(error) if error.is_timeout() => bail!("{} did not answer in time", self.origin()),
            Err(error) if error.is_connect() => {
                bail!("cannot connect to {}: {}", self.origin(), deepest(&error))
            }
            Err(error) => bail!("no answer from {}: {}", self.origin(), deepest(&error)),
        }
    }

    fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

/// The last cause: what the system said.
fn deepest(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn field(line: &str) -> anyhow::Result<(HeaderName, HeaderValue)> {
    let (name, value) = line
        .split_once(':')
        .with_context(|| format!("{line:?} is no header: write 'Name: value'"))?;
    let name = name.trim();
    Ok((
        HeaderName::from_bytes(name.as_bytes())
            .with_context(|| format!("{name:?} is no header name"))?,
        HeaderValue::from_str(value.trim())
            .with_context(|| format!("the value of {name} cannot be sent"))?,
    ))
}

/// The colour of a status.
fn style(status: StatusCode) -> Style {
    match status.as_u16() {
        0..300 => Style::Green,
        300..400 => Style::Plain,
        400..500 => Style::Yellow,
        _ => Style::Red,
    }
}

fn status_text(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

fn value_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(harmless(&String::from_utf8_lossy(value.as_bytes())))
}

/// ` 3  429 Too Many Requests  remaining 0 of 20  retry after 12 s`
fn one_line(n: u32, status: StatusCode, headers: &HeaderMap, colours: bool) -> String {
    let painted = paint(
        &format!("{:<24}", status_text(status)),
        style(status),
        colours,
    );
    let mut line = format!("{n:>5}  {painted}");
    let of = |name| value_text(headers, &name);
    if let (Some(limit), Some(left)) = (
        of(filters::names::RATELIMIT_LIMIT),
        of(filters::names::RATELIMIT_REMAINING),
    ) {
        line += &format!("  remaining {left} of {limit}");
    }
    if let Some(seconds) = of(header::RETRY_AFTER) {
        line += &format!("  retry after {seconds} s");
    }
    line.trim_end().to_owned()
}

async fn show(response: Response, include: bool) -> anyhow::Result<()> {
    let terminal = std::io::stdout().is_terminal();
    let colours = output::colours();
    let status = response.status();
    if terminal || include {
        let first = format!("{:?} {}", response.version(), status_text(status));
        output::line(&paint(&first, style(status), colours))?;
        let headers = response.headers();
        let names: Vec<HeaderName> = if include {
            headers.keys().cloned().collect()
        } else {
            SHOWN.to_vec()
        };
        for name in &names {
            for value in headers.get_all(name) {
                let value = harmless(&String::from_utf8_lossy(value.as_bytes()));
                let name = paint(&format!("{}:", spelled(name)), Style::Dim, colours);
                output::line(&format!("{name} {value}"))?;
            }
        }
        output::line("")?;
    } else if status.as_u16() >= 400 {
        output::tell(&status_text(status));
    }
    let body = read(response).await?;
    if !terminal {
        return output::put(&body);
    }
    match std::str::from_utf8(&body) {
        Ok("") => Ok(()),
        Ok(text) => output::line(harmless(text).trim_end_matches('\n')),
        Err(_) => output::line(&format!("({} bytes that are no text)", body.len())),
    }
}

async fn read(mut response: Response) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| anyhow::anyhow!("the answer broke off: {}", deepest(&error)))?
    {
        body.extend_from_slice(&chunk);
        if body.len() as u64 > BODY_BYTES_MAX {
            bail!("the answer is larger than {BODY_BYTES_MAX} bytes");
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_and_a_value() {
        let (name, value) = field("X-Request-Id:  abc ").unwrap();
        assert_eq!(
            (name.as_str(), value.as_bytes()),
            ("x-request-id", &b"abc"[..])
        );
        assert_eq!(field("Empty:").unwrap().1.as_bytes(), b"");
        for (line, part) in [
            ("no colon", "is no header"),
            ("a b: c", "is no header name"),
            ("a: b\nc: d", "cannot be sent"),
        ] {
            let error = field(line).unwrap_err().to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn one_answer_is_one_line() {
        let mut headers = HeaderMap::new();
        let ok = one_line(1, StatusCode::OK, &headers, false);
        assert_eq!(ok, "    1  200 OK");
        headers.insert(
            filters::names::RATELIMIT_LIMIT,
            HeaderValue::from_static("20"),
        );
        headers.insert(
            filters::names::RATELIMIT_REMAINING,
            HeaderValue::from_static("0"),
        );
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("3"));
        let line = one_line(21, StatusCode::TOO_MANY_REQUESTS, &headers, false);
        assert_eq!(
            line,
            "   21  429 Too Many Requests     remaining 0 of 20  retry after 3 s"
        );
        let painted = one_line(1, StatusCode::BAD_GATEWAY, &headers, true);
        assert!(painted.contains("\x1b[31m502 Bad Gateway"));
    }
}
