//! `tidegate sign`: the header lines that sign one request.

use super::input::BodySource;
use super::output::{self, quoted};
use super::signer::{SignerArgs, Unsigned, spelled};
use super::target::{Target, method};
use anyhow::Context;
use clap::Args;

const EXAMPLES: &str = "\
Examples:
  Header lines for a GET, key and secret from the environment:
    export TIDEGATE_KEY=ak_test_… TIDEGATE_SECRET=sk_…
    tidegate sign GET http://127.0.0.1:8080/api/v1/orders

  The customer's scheme, over a body in a file:
    tidegate sign POST /api/v1/orders -d @order.json --scheme body-timestamp

  A command that can be pasted:
    tidegate sign POST http://127.0.0.1:8080/api/v1/orders -d '{\"items\":[]}' --curl

  What exactly was signed, to compare with your own code:
    tidegate sign GET /api/v1/orders --explain";

/// Prints the header lines that sign a request
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SignArgs {
    /// Method: GET, POST, …
    method: String,
    /// URL, or its path and query; signed byte for byte as written
    url: String,
    /// Body: the text itself, @FILE, or @- for standard input
    #[arg(short, long, value_name = "TEXT|@FILE")]
    data: Option<String>,
    #[command(flatten)]
    signer: SignerArgs,
    /// Print a curl command instead of header lines
    #[arg(long)]
    curl: bool,
    /// Print the signed text on standard error too
    #[arg(long)]
    explain: bool,
}

/// Runs the command.
///
/// # Errors
/// When something is missing, has not its form, or cannot be read.
pub(super) fn run(arguments: &SignArgs) -> anyhow::Result<()> {
    let method = method(&arguments.method)?;
    let target = Target::parse(&arguments.url)?;
    let source = BodySource::of(arguments.data.as_deref());
    let signer = arguments.signer.signer()?.context(
        "no key and no secret: set TIDEGATE_KEY and TIDEGATE_SECRET, or give --key and --secret",
    )?;
    let body = source.read()?;
    let signed = signer.sign(Unsigned {
        method: &method,
        path: &target.path,
        query: &target.query,
        body: &body,
    });
    if arguments.explain {
        output::tell(&format!(
            "signed text:\n{}",
            output::harmless(&String::from_utf8_lossy(&signed.text))
        ));
    }
    let fields = signed.fields.iter();
    let lines = fields.map(|(name, value)| format!("{}: {value}", spelled(name)));
    if arguments.curl {
        output::line(&curl(&method, &target, lines, &source))
    } else {
        output::line(&lines.collect::<Vec<_>>().join("\n"))
    }
}

/// One curl command. `--path-as-is` keeps curl from changing what was signed.
fn curl(
    method: &str,
    target: &Target,
    lines: impl Iterator<Item = String>,
    source: &BodySource,
) -> String {
    let mut words = vec!["curl --path-as-is".to_owned()];
    match method {
        "HEAD" => words.push("--head".to_owned()),
        _ => words.push(format!("-X {}", quoted(method))),
    }
    words.push(quoted(&target.url));
    words.extend(lines.map(|line| format!("-H {}", quoted(&line))));
    match source {
        BodySource::Empty => {}
        BodySource::Text(text) => words.push(format!("--data-raw {}", quoted(text))),
        BodySource::File(path) => {
            words.push(format!("--data-binary {}", quoted(&format!("@{path}"))))
        }
    }
    if *source != BodySource::Empty {
        words.push("-H 'Content-Type: application/json'".to_owned());
    }
    words.join(" \\\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curl_command_is_whole() {
        let target = Target::parse("http://a/b?c=1&d=2").unwrap();
        let lines = || ["X-API-Key: k".to_owned()].into_iter();
        let get = curl("GET", &target, lines(), &BodySource::Empty);
        assert_eq!(
            get,
            "curl --path-as-is \\\n  -X GET \\\n  'http://a/b?c=1&d=2' \\\n  -H 'X-API-Key: k'"
        );
        let post = curl("POST", &target, lines(), &BodySource::Text("@x".into()));
        assert!(post.contains("--data-raw @x \\\n  -H 'Content-Type: application/json'"));
        let file = curl("POST", &target, lines(), &BodySource::File("a b".into()));
        assert!(file.contains("--data-binary '@a b'"), "{file}");
        assert!(curl("HEAD", &target, lines(), &BodySource::Empty).contains("--head"));
    }
}
