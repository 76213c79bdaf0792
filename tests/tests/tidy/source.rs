//! Just enough Rust to read imports: comments and literals are blanked, test code is cut away, and
//! every path is spelled out from its root. No macro is expanded, no type is known.

use super::house::File;
use std::collections::BTreeMap;

/// A path that the code names, from `crate`, or from another crate's name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) line: usize,
    pub(crate) path: String,
}

/// The file's code without comments, without the insides of literals, and without test code. Every
/// line keeps its number.
pub(crate) fn production(file: &File) -> String {
    if file.is_test() {
        return String::new();
    }
    without_tests(&code(&file.text))
}

/// Paths that production code names.
pub(crate) fn mentions(file: &File) -> Vec<Mention> {
    let code = production(file);
    let module = module_of(&file.path);
    let (imports, rest) = imports(&code);
    let mut aliases = BTreeMap::new();
    let mut found = Vec::new();
    for (line, path, alias) in imports {
        let path = rooted(&path, &module);
        aliases.insert(alias, path.clone());
        found.push(Mention { line, path });
    }
    for (line, path) in inline_paths(&rest) {
        let (first, others) = path.split_once("::").unwrap_or((&path, ""));
        let path = match aliases.get(first) {
            Some(full) => format!("{full}::{others}"),
            None => rooted(&path, &module),
        };
        found.push(Mention { line, path });
    }
    found
}

/// Blanks comments and the insides of string and character literals.
pub(crate) fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    let mut before = b' ';
    while at < bytes.len() {
        let here = &bytes[at..];
        let end = if here.starts_with(b"//") {
            at + here
                .iter()
                .position(|&byte| byte == b'\n')
                .unwrap_or(here.len())
        } else if here.starts_with(b"/*") {
            at + block_comment(here)
        } else if let Some(length) = string(here, before) {
            at + length
        } else {
            before = here[0];
            at += 1;
            continue;
        };
        // The quotes stay, so that `reason = ""` can still be seen; so do line ends.
        let quoted = here[0] != b'/';
        let inside = if quoted {
            at + 1..end.saturating_sub(1)
        } else {
            at..end
        };
        out[inside]
            .iter_mut()
            .filter(|byte| **byte != b'\n')
            .for_each(|byte| *byte = b' ');
        before = b' ';
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn block_comment(here: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < here.len() {
        if here[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    here.len()
}

/// The length of the literal that begins here, if one does.
fn string(here: &[u8], before: u8) -> Option<usize> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match here[0] {
        b'"' => Some(quoted(here, b'"')),
        b'r' if !letter(before) || matches!(before, b'b' | b'c') => {
            let hashes = here[1..].iter().take_while(|&&byte| byte == b'#').count();
            if here.get(1 + hashes) != Some(&b'"') {
                return None;
            }
            let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
            let body = &here[2 + hashes..];
            let length = body.windows(close.len()).position(|window| window == close);
            Some(length.map_or(here.len(), |length| 2 + hashes + length + close.len()))
        }
        b'\'' => match here.get(1..3)? {
            [b'\\', _] => Some(quoted(here, b'\'')),
            [_, b'\''] => Some(3),
            // A character of several bytes; anything else is a lifetime.
            [byte, _] if !byte.is_ascii() => Some(quoted(here, b'\'')),
            _ => None,
        },
        _ => None,
    }
}

fn quoted(here: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < here.len() {
        match here[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    here.len()
}

/// Blanks every item under an attribute that asks for `test`.
fn without_tests(code: &str) -> String {
    let mut out = code.as_bytes().to_vec();
    for mark in ["#[cfg(test)]", "#[cfg(any(test"] {
        let mut from = 0;
        while let Some(start) = code[from..].find(mark).map(|start| from + start) {
            let end = item_end(&code.as_bytes()[start..]) + start;
            out[start..end]
                .iter_mut()
                .filter(|byte| **byte != b'\n')
                .for_each(|b| *b = b' ');
            from = end;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Where an item ends: at a semicolon outside brackets, or at its body's closing brace.
fn item_end(item: &[u8]) -> usize {
    let (mut braces, mut others) = (0_u32, 0_u32);
    for (at, byte) in item.iter().enumerate() {
        match byte {
            b'(' | b'[' => others += 1,
            b')' | b']' => others = others.saturating_sub(1),
            b'{' => braces += 1,
            b'}' if braces <= 1 => return at + 1,
            b'}' => braces -= 1,
            b';' if braces == 0 && others == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

/// Takes the `use` items out: line, path and the name it has here; and the code without them.
fn imports(code: &str) -> (Vec<(usize, String, String)>, String) {
    let mut found = Vec::new();
    let mut rest = code.to_owned();
    for (start, _) in code.match_indices("use ") {
        let before = code[..start].bytes().next_back().unwrap_or(b'\n');
        let Some(length) = code[start..].find(';') else {
            continue;
        };
        if before.is_ascii_alphanumeric() || before == b'_' {
            continue;
        }
        let tree = &code[start + 4..start + length];
        let line = code[..start].matches('\n').count() + 1;
        let mut leaves = Vec::new();
        flatten(tree.trim(), "", &mut leaves);
        found.extend(leaves.into_iter().map(|(path, alias)| (line, path, alias)));
        let blank: String = code[start..start + length]
            .chars()
            .map(|c| if c == '\n' { c } else { ' ' })
            .collect();
        if blank.len() == length {
            rest.replace_range(start..start + length, &blank);
        }
    }
    (found, rest)
}

/// Spells out `a::{b, c::d as e}`.
fn flatten(tree: &str, prefix: &str, leaves: &mut Vec<(String, String)>) {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let prefix = format!("{prefix}{}", &tree[..open]);
        let inside = tree[open + 1..].trim_end().trim_end_matches('}');
        for branch in branches(
            tree[open + 1..]
                .rfind('}')
                .map_or(inside, |end| &tree[open + 1..open + 1 + end]),
        ) {
            flatten(branch, &prefix, leaves);
        }
    } else if !tree.is_empty() {
        let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
        let full = format!("{prefix}{}", path.trim());
        let full = full
            .strip_suffix("::self")
            .unwrap_or(&full)
            .trim_start_matches("::");
        let name = full.rsplit("::").next().unwrap_or(full);
        let alias = if alias.is_empty() { name } else { alias.trim() };
        leaves.push((full.to_owned(), alias.to_owned()));
    }
}

/// Splits at commas outside braces.
fn branches(inside: &str) -> Vec<&str> {
    let (mut depth, mut start, mut out) = (0, 0, Vec::new());
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                out.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(&inside[start..]);
    out
}

/// Paths of two segments and more in expressions and types.
fn inline_paths(code: &str) -> Vec<(usize, String)> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut found = Vec::new();
    for (at, line) in code.lines().enumerate() {
        for word in line.split(|c| !part(c)) {
            let word = word.trim_matches(':');
            if word.contains("::") {
                found.push((at + 1, word.to_owned()));
            }
        }
    }
    found
}

/// Turns `self` and `super` into the path from `crate`.
fn rooted(path: &str, module: &[String]) -> String {
    let mut segments: Vec<&str> = path.split("::").collect();
    let mut at: Vec<&str> = module.iter().map(String::as_str).collect();
    if !matches!(segments.first(), Some(&"self" | &"super")) {
        return path.to_owned();
    }
    if segments[0] == "self" {
        segments.remove(0);
    }
    while segments.first() == Some(&"super") {
        segments.remove(0);
        at.pop();
    }
    ["crate"]
        .into_iter()
        .chain(at)
        .chain(segments)
        .collect::<Vec<_>>()
        .join("::")
}

/// `proxy/src/edge/mod.rs` is the module `edge`.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.split_once("src/").map_or("", |(_, inside)| inside);
    let mut module: Vec<String> = inside
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if matches!(
        module.last().map(String::as_str),
        Some("mod" | "lib" | "main" | "")
    ) {
        module.pop();
    }
    module
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(path: &str, text: &str) -> Vec<String> {
        let file = File {
            path: path.into(),
            text: text.into(),
        };
        mentions(&file)
            .into_iter()
            .map(|mention| mention.path)
            .collect()
    }

    #[test]
    fn literals_and_comments_are_blanked() {
        for (text, expected) in [
            ("a // b::c\nd", "a        \nd"),
            ("a /* b /* c */ d */ e", "a                   e"),
            ("f(\"x::y\")", "f(\"    \")"),
            ("f(\"\\\"x\")", "f(\"   \")"),
            (
                "f(r#\"a\"b\"#, 'c', '\\'', b'\\n')",
                "f(r      #, ' ', '  ', b'  ')",
            ),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("'é'; x", "'  '; x"),
        ] {
            let blanked = code(text);
            assert_eq!(blanked.len(), text.len(), "{text}");
            assert_eq!(blanked, expected, "{text}");
        }
    }

    #[test]
    fn imports_are_spelled_out() {
        let text = "pub(crate) use a::{b, c::{self, d as e}, f::*};\nfn g() { e::h(); c::i(); }";
        assert_eq!(
            paths("x/src/lib.rs", text),
            [
                "a::b",
                "a::c",
                "a::c::d",
                "a::f::*",
                "a::c::d::h",
                "a::c::i"
            ]
        );
    }

    #[test]
    fn paths_start_at_the_root() {
        let text = "use super::super::z;\nuse self::y::X;\nfn f(_: crate::w::W) {}";
        let expected = ["crate::z", "crate::edge::pingora::y::X", "crate::w::W"];
        assert_eq!(paths("proxy/src/edge/pingora/mod.rs", text), expected);
        assert_eq!(
            paths("proxy/src/lib.rs", "use self::y::X;"),
            ["crate::y::X"]
        );
    }

    #[test]
    fn test_code_is_cut_away() {
        let text = "use a::b;\n#[cfg(test)]\nmod tests { use c::d; fn x() { y::z(); } }\nuse e::f;\n\
                    #[cfg(any(test, feature = \"testing\"))]\npub mod testing;\nfn g() { h::i(); }";
        assert_eq!(paths("x/src/lib.rs", text), ["a::b", "e::f", "h::i"]);
        assert_eq!(paths("x/src/y/tests.rs", "use a::b;"), Vec::<String>::new());
    }

    #[test]
    fn lines_keep_their_numbers() {
        let text = "/* one\ntwo */ use a::b;\n\nfn f() { c::d() }";
        let file = File {
            path: "x/src/lib.rs".into(),
            text: text.into(),
        };
        let lines: Vec<usize> = mentions(&file).iter().map(|mention| mention.line).collect();
        assert_eq!(lines, [2, 4]);
    }
}
