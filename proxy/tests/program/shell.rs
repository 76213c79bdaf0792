//! The command line from the shell: exit codes, what goes to which stream, and help that fits.

use crate::process::{Said, run, tidegate};
use crate::site::Witness;
use filters::key::Environment;
use filters::testing::key_text;
use serde_json::Value;
use std::fs;

const GOOD: &str = "\
listeners:
  - { address: 127.0.0.1:8080, hosts: [localhost] }
tiers:
  free: { hourly: 100/h }
keys: { database: env:DATABASE_URL, master_keys: [env:TIDEGATE_MASTER_KEY] }
upstreams:
  api: { servers: [127.0.0.1:9000] }
chains:
  partners: [body_limit, api_key, signature: { schemes: [v1] }, rate_limit]
routes:
  - { name: api, path: /api/v1/*, methods: [GET], chain: partners, upstream: api }
";

fn tell(words: &[&str]) -> Said {
    run(tidegate(words))
}

#[test]
fn check_says_what_is_wrong_and_its_exit_code_tells_scripts() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let good = file("good.yaml", GOOD);
    let warn = file("warn.yaml", &GOOD.replace("[v1]", "[v1, body-timestamp]"));
    let bad = file("bad.yaml", &GOOD.replace("upstream: api", "upstream: apo"));
    let empty = file("empty.yaml", "");
    let missing = folder.path().join("missing.yaml").display().to_string();
    for (name, code, out, err) in [
        (&good, 0, "good.yaml: good", ""),
        (
            &warn,
            0,
            "warn.yaml: good",
            "warn.yaml:9:35: chains.partners",
        ),
        (&bad, 1, "", "bad.yaml:11:"),
        (&empty, 1, "", "empty.yaml"),
        (&missing, 1, "", "missing.yaml"),
    ] {
        let said = tell(&["check", name]);
        assert_eq!(said.code, code, "{said:?}");
        assert!(said.out.trim_end().ends_with(out), "{said:?}");
        assert_eq!(said.out.is_empty(), out.is_empty(), "{said:?}");
        assert!(said.err.contains(err), "{said:?}");
        assert_eq!(said.err.is_empty(), err.is_empty(), "{said:?}");
    }
    // One bad file among good ones is enough, and the good ones are still said to be.
    let said = tell(&["check", &good, &bad]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("good.yaml: good"), "{said:?}");
    // An edge is not started by what cannot be used.
    for name in [&bad, &empty, &missing] {
        let mut command = tidegate(&["serve", "--config", name]);
        command.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing");
        command.env("TIDEGATE_MASTER_KEY", "00".repeat(32));
        let said = run(command);
        assert_eq!((said.code, &*said.out), (1, ""), "{said:?}");
        assert!(said.err.contains(name.as_str()), "{said:?}");
    }
    assert_eq!(tell(&["check"]).code, 2);
}

#[test]
fn the_shipped_policies_are_good() {
    for name in ["demo", "minimal", "strict", "tidegate"] {
        let path = format!("{}/../conf/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let said = tell(&["check", &path]);
        assert_eq!(said.code, 0, "{said:?}");
    }
}

#[test]
fn sign_prints_the_lines_of_the_vectors() {
    let file = include_str!("../../../tests/vectors/signatures.json");
    let file: Value = serde_json::from_str(file).unwrap();
    let key = key_text(Environment::Test, 1);
    let vectors = file["vectors"].as_array().unwrap();
    let vector = vectors
        .iter()
        .find(|vector| {
            let has = |name: &str| !vector[name].as_str().unwrap_or_default().is_empty();
            vector["scheme"] == "v1" && has("nonce") && has("query") | has("body")
        })
        .expect("a vector with a nonce");
    let text = |name: &str| vector[name].as_str().unwrap_or_default();
    let target = match text("query") {
        "" => text("path").to_owned(),
        query => format!("{}?{query}", text("path")),
    };
    let mut command = tidegate(&["sign", text("method"), &target, "-d", text("body")]);
    command.args(["--nonce", text("nonce"), "--timestamp", text("timestamp")]);
    command
        .env("TIDEGATE_KEY", &key)
        .env("TIDEGATE_SECRET", text("secret"));
    let said = run(command);
    let expected = format!(
        "X-API-Key: {key}\nX-Timestamp: {}\nX-Nonce: {}\nX-API-Signature: {}\n",
        text("timestamp"),
        text("nonce"),
        text("signature")
    );
    assert_eq!(
        (said.code, &*said.out, &*said.err),
        (0, &*expected, ""),
        "{said:?}"
    );
    let none = tell(&["sign", "GET", "/"]);
    assert_eq!((none.code, &*none.out), (1, ""), "{none:?}");
    assert!(none.err.contains("TIDEGATE_KEY"), "{none:?}");
}

#[test]
fn request_tells_by_its_exit_code_how_it_went() {
    let witness = Witness::start();
    let url = format!("http://{}/x", witness.address);
    let said = tell(&["request", "GET", &url]);
    // Piped, the body alone is the output.
    assert_eq!((said.code, said.out.trim_end()), (0, "well"), "{said:?}");
    assert!(said.err.contains("sent unsigned"), "{said:?}");
    let shown = tell(&["request", "GET", &url, "--include"]);
    assert!(shown.out.contains("200 OK"), "{shown:?}");
    let nobody = tell(&["request", "GET", "http://127.0.0.1:1/x"]);
    assert_eq!((nobody.code, &*nobody.out), (1, ""), "{nobody:?}");
    assert!(
        nobody.err.contains("cannot connect to http://127.0.0.1:1"),
        "{nobody:?}"
    );
    assert_eq!(tell(&["request", "GET"]).code, 2);
    assert_eq!(tell(&["request", "G T", &url]).code, 1);
}

#[test]
fn completions_are_a_script_that_the_shell_reads() {
    let said = tell(&["completions", "bash"]);
    assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", "eval \"$0\" && complete -p tidegate", &said.out]);
    let read = run(shell);
    assert_eq!(read.code, 0, "{read:?}");
    assert!(read.out.contains("_tidegate"), "{read:?}");
}

#[test]
fn help_fits_a_terminal_of_80_columns() {
    for words in [
        &[][..],
        &["demo"],
        &["serve"],
        &["check"],
        &["sign"],
        &["request"],
        &["completions"],
        &["keys"],
        &["keys", "create"],
        &["keys", "list"],
        &["keys", "show"],
        &["keys", "revoke"],
        &["keys", "rotate"],
    ] {
        let mut command = tidegate(words);
        command.arg("--help").env("COLUMNS", "80");
        let said = run(command);
        assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
        assert!(said.out.contains("Example"), "{words:?}");
        for line in said.out.lines() {
            assert!(line.chars().count() <= 80, "{words:?}: {line}");
        }
    }
}
