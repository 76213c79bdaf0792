//! Whole files: good ones, ten mistakes at once, and what is meant to hurt the reader.

#![allow(clippy::unwrap_used, reason = "in tests an unwrap is an assertion")]

use super::limits::{ALIASES_MAX, DEPTH_MAX, FILE_BYTES_MAX, MISTAKES_MAX};
use super::*;
use proptest::prelude::*;
use std::fmt::Write;

const GOOD: &str = "\
listeners:
  - address: 127.0.0.1:8080
    hosts: [api.example.com]
tiers:
  free: { hourly: 100/h, burst: 20/min }
  internal: unlimited
upstreams:
  orders: { servers: [127.0.0.1:9000], connect_timeout: 1s }
chains:
  public:
    - request_id
    - signature: { window: 300s }
routes:
  - { name: orders, path: /orders, methods: [GET], chain: public, upstream: orders }
";

/// What is wrong with a file, each as `line:column path: sentence (hint)`.
fn mistakes(text: &str) -> Vec<String> {
    let Err(report) = read("test.yaml", text) else {
        return Vec::new();
    };
    let source = Source::new("test.yaml", text);
    let show = |mistake: &Mistake| {
        let mut line = String::new();
        if let Some(span) = mistake.span {
            let Position { line: row, column } = source.position(span.start);
            write!(line, "{row}:{column} ").unwrap();
        }
        if !mistake.path.is_empty() {
            write!(line, "{}: ", mistake.path).unwrap();
        }
        line.push_str(&mistake.sentence());
        if !mistake.hint.is_empty() {
            write!(line, " ({})", mistake.hint).unwrap();
        }
        line
    };
    report.mistakes().iter().map(show).collect()
}

#[test]
fn a_good_file_is_read() {
    let raw = read("test.yaml", GOOD).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(raw.file.listeners.len(), 1);
    assert_eq!(
        raw.file.listeners[0].address.0.to_string(),
        "127.0.0.1:8080"
    );
    assert_eq!(raw.file.upstreams.names().collect::<Vec<_>>(), ["orders"]);
    assert_eq!(
        raw.file.tiers.names().collect::<Vec<_>>(),
        ["free", "internal"]
    );
    let chain = &raw.chains[0];
    assert_eq!(chain.name.value, "public");
    let filters: Vec<_> = chain
        .filters
        .iter()
        .map(|f| (&*f.name.value, &*f.path))
        .collect();
    let expected = [
        ("request_id", "chains.public[0].request_id"),
        ("signature", "chains.public[1].signature"),
    ];
    assert_eq!(filters, expected);
    assert!(raw.tree.field(chain.filters[1].config, "window").is_some());
    let span = raw.file.routes[0].path.span;
    assert_eq!(&GOOD[span.start as usize..span.end as usize], "/orders");
}

#[test]
fn ten_mistakes_give_ten_messages() {
    let text = "\
listeners:
  - address: localhost:8080
    protocol: [http1]
    hosts: [\"api.example.com:443\"]
drain: 15
log: { access: syslog }
tiers:
  free: { hourly: 100/hour }
  free: unlimited
connections:
  per_address: many
upstreams:
  orders: { servers: 127.0.0.1:9000, balance: random }
routes:
  - { name: orders, path: /orders, methods: [GET], chain: public }
";
    let expected = [
        "2:14 listeners[0].address: found `localhost:8080`, expected an IP address and a port, such as \
         127.0.0.1:8080 or [::1]:8080 (write `127.0.0.1:8080`)",
        "3:5 listeners[0].protocol: found the unknown field `protocol`, expected a known one (did you \
         mean `protocols`?)",
        "4:13 listeners[0].hosts[0]: found `api.example.com:443`, expected a host name without a port, \
         such as api.example.com (write `api.example.com`: a request matches with any port)",
        "5:8 drain: found the number 15, expected a span of time with its unit, such as 250ms, 300s, \
         15m, 1h (write `15s`)",
        "6:16 log.access: found `syslog`, expected stdout, stderr, off or file:PATH",
        "8:19 tiers.free.hourly: found `100/hour`, expected a rate, such as 20/s, 100/min, 1000/h, \
         5000/day, or `unlimited` (write `100/h`)",
        "9:3 tiers.free: found `free` a second time, expected every name once (remove one of the two)",
        "11:16 connections.per_address: found `many`, expected a whole number from 0 to 4294967295",
        "13:22 upstreams.orders.servers: found `127.0.0.1:9000`, expected a list (write \
         `[127.0.0.1:9000]`)",
        "13:47 upstreams.orders.balance: found `random`, expected one of `round_robin`, \
         `least_requests`",
        "15:5 routes[0]: the field `upstream` is missing (add `upstream: …`)",
    ];
    assert_eq!(mistakes(text), expected);
}

#[test]
fn slips_of_yaml() {
    let empty: &[&str] = &["the file is empty (start from conf/minimal.yaml)"];
    let cases: &[(&str, &[&str])] = &[
        ("", empty),
        ("# only this\n", empty),
        ("---\n", empty),
        ("null", empty),
        (
            "listeners:\n\t- address: 1\n",
            &["2:2 a tab where only spaces may stand (indent with spaces, two a level)"],
        ),
        (
            "listeners: [a\nroutes: 1",
            &[
                "2:7 this is not YAML: illegal placement of ':' indicator (look for a bracket above that \
               is not closed, or a comma that is missing)",
            ],
        ),
        (
            "listeners: [",
            &["1:12 a `[` that is never closed (add `]`)"],
        ),
        (
            "listeners: !!seq []\n",
            &[
                "1:12 listeners: found the tag `!!seq`, expected a plain value (tags have no meaning \
               here: remove it)",
            ],
        ),
        (
            "listeners: &a [*a]\n",
            &[
                "1:16 listeners[0]: found an alias inside the value that it names, expected another \
               value",
            ],
        ),
        (
            "listeners: *nobody\n",
            &[
                "1:12 an alias whose anchor stands nowhere above (quote a text that begins with `*`)",
            ],
        ),
        (
            "log: &x { access: off }\nlisteners:\n  <<: *x\n",
            &["3:3 listeners.<<: found a merge key, expected a field (write the fields out)"],
        ),
        (
            "listeners: []\n---\nlisteners: []\n",
            &["2:1 found a second document, expected one (remove the `---`)"],
        ),
        (
            "%YAML 1.2\n---\na: 1\n",
            &["1:1 a directive (remove the line that begins with `%`)"],
        ),
        (
            "{[a]: 1, listeners: []}",
            &["1:2 found a list or mapping as a name, expected text"],
        ),
        (
            "listeners: []\ntls: \"yes\n",
            &[
                "3:1 a quoted text without its closing quote (look for the quote that opens it above)",
            ],
        ),
        (
            "listeners:\ndrain:\n\n\n",
            &[
                "1:10 listeners: found nothing, expected a list (leave the field out, or give it a \
                 value)",
                "2:6 drain: found nothing, expected a value (leave the field out, or give it a value)",
            ],
        ),
        (
            "listeners: []\nroutes:\n  - name: a\n    public: yes\n    methods: \"GET\"\n    path: 1\n",
            &[
                "3:5 routes[0]: the field `chain` is missing (add `chain: …`)",
                "3:5 routes[0]: the field `upstream` is missing (add `upstream: …`)",
                "4:13 routes[0].public: found `yes`, expected `true` or `false` (write `true`)",
                "5:14 routes[0].methods: found `GET`, expected a list (write `[GET]`)",
            ],
        ),
        (
            "listeners: []\nchains:\n  public:\n    - signature:\n      window: 1\n    - []\n    -\n",
            &[
                "4:7 chains.public[0]: found a mapping of 2 names, expected a filter's name, or `name: \
                 { … }` (indent what belongs to `signature` deeper than its name)",
                "6:7 chains.public[1]: found an empty list, expected a filter's name, or `name: { … }`",
                "7:6 chains.public[2]: found nothing, expected a filter's name, or `name: { … }`",
            ],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(mistakes(text), *expected, "{text:?}");
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    for text in [
        "keys: { database: \"postgres://u:hunter2@h\", master_keys: [hunter2, env:OK] }\nlisteners: []",
        "keys:\n  master_keys: hunter2\nlisteners: []",
        "keys:\n  - hunter2\nlisteners: []",
        "keys: hunter2\nlisteners: []",
        "keys: { databse: postgres://u:hunter2@h }\nlisteners: []",
        "log: &x hunter2\nkeys: { master_keys: [*x] }\nlisteners: []",
        "keys: { database: !!str hunter2 }\nlisteners: []",
        "keys: { database: hunter2, database: hunter2 }\nlisteners: []",
        "keys:\n  master_keys: hunter2\nlisteners: [",
        "keys:\n  master_keys:\n    - hunter2\n  poll: @\n",
        "keys:\n  master_keys: \"hunter2\n",
    ] {
        let report = read("test.yaml", text).err().unwrap();
        let plain = report.to_string();
        assert!(!plain.contains("hunter2"), "{plain}");
        assert!(!report.coloured().contains("hunter2"));
    }
}

#[test]
fn a_report_fits_eighty_columns() {
    let long = format!("listeners: [{{ address: {}, x: 1 }}]\n", "é".repeat(200));
    let report = read("conf/test.yaml", &long).err().unwrap();
    for line in report.to_string().lines() {
        assert!(line.chars().count() <= limits::COLUMNS, "{line}");
    }
    let text = "listeners: []\nchains:\n  public:\n    - signature: 5\ndrain: 15\n";
    let expected = "\
error: conf/test.yaml:5:8: drain
  |
5 | drain: 15
  |        ^^
  = found the number 15, expected a span of time with its unit, such as 250ms,
    300s, 15m, 1h
  = hint: write `15s`

conf/test.yaml: 1 mistake
";
    assert_eq!(
        read("conf/test.yaml", text).err().unwrap().to_string(),
        expected
    );
}

#[test]
fn no_line_of_a_report_is_forged() {
    let text = "\"a\\nerror: forged\\e[31m\\u202e\": 1\nlisteners: []\n";
    let report = read("x\ny.yaml", text).err().unwrap().to_string();
    assert!(!report.contains("\nerror: forged"), "{report}");
    assert!(!report.contains(['\u{1b}', '\u{202e}']), "{report}");
}

#[test]
fn more_mistakes_than_anybody_reads_are_counted() {
    let mut text = GOOD.to_owned();
    for index in 0..MISTAKES_MAX {
        writeln!(text, "unknown{index}: 1").unwrap();
    }
    let report = read("test.yaml", &text).err().unwrap();
    assert_eq!(report.mistakes().len(), MISTAKES_MAX);
    assert!(
        report.to_string().ends_with("test.yaml: 100 mistakes\n"),
        "{report}"
    );
    writeln!(text, "onemore: 1").unwrap();
    let report = read("test.yaml", &text).err().unwrap();
    let end = "test.yaml: 101 mistakes (the first 100 are shown)\n";
    assert!(report.to_string().ends_with(end), "{report}");
}

#[test]
fn what_unfolds_without_end_is_refused_fast() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let of = level - 1;
        writeln!(
            bomb,
            "a{level}: &a{level} [{}]",
            vec![format!("*a{of}"); 9].join(",")
        )
        .unwrap();
    }
    let flow = format!("{}{}", "[".repeat(DEPTH_MAX + 1), "]".repeat(DEPTH_MAX + 1));
    let deep_flow = "[".repeat(100_000);
    let mut deep_block = String::new();
    for level in 0..1000 {
        writeln!(deep_block, "{}a:", " ".repeat(level)).unwrap();
    }
    let mut deep_alias = "a0: &a0 [x]\n".to_owned();
    for level in 1..40 {
        writeln!(deep_alias, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    let mut many = "a: &a x\nb:\n".to_owned();
    for _ in 0..=ALIASES_MAX {
        many.push_str("- *a\n");
    }
    let wide = format!("a: [{}]", "x,".repeat(60_000));
    let long = format!("# {}\n{GOOD}", "x".repeat(FILE_BYTES_MAX));
    for (text, start) in [
        (&bomb, "found too many values"),
        (&flow, "found values nested too deeply"),
        (&deep_flow, "found values nested too deeply"),
        (&deep_block, "found values nested too deeply"),
        (&deep_alias, "found values nested too deeply"),
        (&many, "found too many aliases"),
        (&wide, "found too many values"),
        (&long, "the file is longer than"),
    ] {
        let report = read("test.yaml", text).err().unwrap();
        let sentence = report.mistakes()[0].sentence();
        assert!(sentence.starts_with(start), "{sentence}");
    }
}

#[test]
fn a_missing_file_and_one_that_is_no_text() {
    let report = text(std::path::Path::new("/nonexistent/tidegate.yaml")).unwrap_err();
    assert_eq!(report.mistakes()[0].found, "there is no such file");
}

proptest! {
    /// Whatever is read, it ends, and what is refused is explained.
    #[test]
    fn nothing_panics(text in prop_oneof![
        "\\PC{0,80}",
        "[\\[\\]{}:,&*!|>'\"%@`#a-c0-9 \t\r\n~?<.-]{0,120}",
        proptest::collection::vec(prop_oneof![
            Just("listeners:"), Just("routes:"), Just("- "), Just("\n"), Just("\n  "), Just("\n    "),
            Just("name: a"), Just("tls: "), Just("{"), Just("}"), Just("["), Just("]"), Just(", "),
            Just("&a "), Just("*a"), Just("chains:"), Just("public: "), Just("300"), Just("key: "),
            Just("null"), Just("\"é\""), Just("\t"), Just("keys: "), Just("methods: [GET]"),
        ], 0..60).prop_map(|parts| parts.concat()),
    ]) {
        if let Err(report) = read("test.yaml", &text) {
            prop_assert!(!report.mistakes().is_empty());
            prop_assert!(!report.to_string().is_empty());
            prop_assert!(report.coloured().len() >= report.to_string().len());
        }
    }
}
