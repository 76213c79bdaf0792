//! What both lanes have to do alike, what neither may do, and the few places where they may differ.

use super::allowances;
use super::client::{Answer, End, Heard};
use super::exchange::{Conversation, Delivery, Exchange, Onward};
use super::upstream::Seen;

/// What one lane did with a conversation.
pub(crate) struct Side {
    pub heard: Heard,
    /// By exchange.
    pub seen: Vec<Vec<Seen>>,
}

/// What is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// Which exchange of the conversation.
    pub at: usize,
    pub what: String,
    /// It is wrong whatever the other lane does, and chance does not excuse it.
    pub is_grave: bool,
}

/// What one lane may never do, by an oracle of its own.
pub(crate) fn judge(
    lane: &str,
    conversation: &Conversation,
    side: &Side,
) -> Result<(), Difference> {
    let grave = |at, what: String| Difference {
        at,
        what: format!("{lane}: {what}"),
        is_grave: true,
    };
    for (at, (exchange, seen)) in conversation.exchanges.iter().zip(&side.seen).enumerate() {
        for seen in seen.iter().filter(|seen| seen.whole) {
            let right = match &exchange.onward {
                Onward::Exactly { target, body } => {
                    seen.method == exchange.method && seen.target == *target && seen.body == *body
                }
                Onward::NeverWhole => false,
                Onward::Unknown => true,
            };
            if !right {
                return Err(grave(at, format!("forwarded what should not be: {seen:?}")));
            }
        }
        if let Some(answer) = side.heard.answers.get(at)
            && let Some(case) = answer.first("x-case")
            && case != exchange.id.to_string().as_bytes()
            && case != b"nobody"
        {
            return Err(grave(at, format!("another's answer: {answer:?}")));
        }
        if let Some(answer) = side.heard.answers.get(at)
            && (answer.body.windows(6).any(|six| six == b"poison"))
        {
            return Err(grave(at, format!("poison was passed on: {answer:?}")));
        }
    }
    match &side.heard.end {
        End::Malformed(what) => Err(grave(
            side.heard.answers.len(),
            format!("no answer: {what}"),
        )),
        End::Stuck => Err(grave(side.heard.answers.len(), "it did not end".to_owned())),
        End::Answered | End::Closed | End::Cut => Ok(()),
    }
}

/// What both lanes have to do alike.
pub(crate) fn compare(
    conversation: &Conversation,
    straight: &Side,
    pingora: &Side,
) -> Result<(), Difference> {
    if matches!(conversation.delivery, Delivery::Cut(_)) {
        // How much was read before the client left is chance: what may be forwarded was judged.
        return Ok(());
    }
    for (at, exchange) in conversation.exchanges.iter().enumerate() {
        let differ = |what: String| Difference {
            at,
            what,
            is_grave: false,
        };
        let answers = (
            straight.heard.answers.get(at),
            pingora.heard.answers.get(at),
        );
        if allowances::may_differ(exchange, answers) {
            return Ok(());
        }
        match answers {
            (Some(a), Some(b)) => answers_alike(exchange, a, b).map_err(differ)?,
            (None, None) => {
                if straight.heard.end != pingora.heard.end {
                    return Err(differ(format!(
                        "ends differ: {:?} and {:?}",
                        straight.heard.end, pingora.heard.end
                    )));
                }
                return Ok(());
            }
            (a, b) => {
                return Err(differ(format!(
                    "only one lane answers: {a:?} ({:?}) and {b:?} ({:?})",
                    straight.heard.end, pingora.heard.end
                )));
            }
        }
        seen_alike(exchange, &straight.seen[at], &pingora.seen[at]).map_err(differ)?;
        if let (Some(a), Some(b)) = answers
            && a.closes() != b.closes()
        {
            if allowances::may_close(exchange, a) {
                return Ok(());
            }
            return Err(differ(format!("only one lane closes behind {}", a.status)));
        }
    }
    Ok(())
}

fn answers_alike(exchange: &Exchange, a: &Answer, b: &Answer) -> Result<(), String> {
    let (mut a, mut b) = (normal_answer(exchange, a), normal_answer(exchange, b));
    if !a.whole && !b.whole {
        // How far a cut answer came is chance.
        let length = a.body.len().min(b.body.len());
        a.body.truncate(length);
        b.body.truncate(length);
    }
    if a == b {
        return Ok(());
    }
    let mut what = "answers differ:".to_owned();
    if (a.status, &a.interims, a.whole) != (b.status, &b.interims, b.whole) {
        what += &format!(
            " {}{:?}{} and {}{:?}{};",
            a.status, a.interims, a.whole, b.status, b.interims, b.whole
        );
    }
    for (name, ours, theirs) in [("straight", &a, &b), ("pingora", &b, &a)] {
        for (field, value) in ours
            .fields
            .iter()
            .filter(|field| !theirs.fields.contains(field))
        {
            what += &format!(" only {name}: {field}: {};", value.escape_ascii());
        }
    }
    if a.body != b.body {
        let show = |body: &[u8]| {
            format!(
                "{} {}",
                body.len(),
                body[..body.len().min(300)].escape_ascii()
            )
        };
        what += &format!(" bodies: {} | {}", show(&a.body), show(&b.body));
    }
    Err(what)
}

/// An answer without what the contract leaves free.
fn normal_answer(exchange: &Exchange, answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    let sent = format!("c-{}", exchange.id);
    let id = answer
        .first("x-request-id")
        .map(<[u8]>::to_vec)
        .unwrap_or_default();
    let free = ["date", "connection", "keep-alive", "transfer-encoding"];
    let has_body = exchange.method != "HEAD" && answer.status != 304;
    answer.fields.retain(|(name, _)| {
        !(free.contains(&name.as_str()) || has_body && name == "content-length")
    });
    for (name, value) in &mut answer.fields {
        if matches!(
            name.as_str(),
            "ratelimit" | "x-ratelimit-remaining" | "x-ratelimit-reset"
        ) {
            // One bucket for all conversations of the key.
            value.clear();
        }
    }
    if id != sent.as_bytes() && !id.is_empty() {
        // Made by the edge.
        let text = String::from_utf8_lossy(&answer.body);
        let made = String::from_utf8_lossy(&id);
        if text.contains(&*made) {
            answer.body = text.replace(&*made, "ID").into_bytes();
        }
        for (name, value) in &mut answer.fields {
            if name == "x-request-id" {
                *value = b"ID".to_vec();
            }
        }
        if !has_body {
            answer.fields.retain(|(name, _)| name != "content-length");
        }
    }
    answer
}

fn seen_alike(exchange: &Exchange, a: &[Seen], b: &[Seen]) -> Result<(), String> {
    if exchange.script.early {
        // How far it came before the exchange ended is chance; what came whole was judged.
        return Ok(());
    }
    let (a, b) = (normal_seen(exchange, a), normal_seen(exchange, b));
    if a == b {
        return Ok(());
    }
    let (Some(first), Some(second)) = (a.first(), b.first()) else {
        let show = |seen: &[Seen]| {
            seen.first()
                .map(|seen| (seen.method.clone(), seen.body.len()))
        };
        return Err(format!(
            "only one lane forwards: {:?} and {:?}",
            show(&a),
            show(&b)
        ));
    };
    let mut what = format!("forwarded {} and {} times;", a.len(), b.len());
    if (&first.method, &first.target) != (&second.method, &second.target) {
        what += &format!(
            " {} {} and {} {};",
            first.method,
            first.target.escape_ascii(),
            second.method,
            second.target.escape_ascii()
        );
    }
    for (name, ours, theirs) in [("straight", first, second), ("pingora", second, first)] {
        for (field, value) in ours
            .fields
            .iter()
            .filter(|field| !theirs.fields.contains(field))
        {
            what += &format!(" only {name}: {field}: {};", value.escape_ascii());
        }
    }
    if (first.whole, &first.body) != (second.whole, &second.body) {
        what += &format!(
            " bodies: {} {} and {} {}",
            first.whole,
            first.body.len(),
            second.whole,
            second.body.len()
        );
    }
    Err(what)
}

/// What was seen, without what the contract leaves free: the framing's fields, and attempts that look
/// the same.
fn normal_seen(exchange: &Exchange, seen: &[Seen]) -> Vec<Seen> {
    let sent = format!("c-{}", exchange.id);
    let mut all: Vec<Seen> = Vec::new();
    for seen in seen {
        let mut seen = seen.clone();
        let free = ["connection", "transfer-encoding", "content-length"];
        seen.fields
            .retain(|(name, _)| !free.contains(&name.as_str()));
        for (name, value) in &mut seen.fields {
            if name == "x-request-id" && value != sent.as_bytes() {
                *value = b"ID".to_vec();
            }
        }
        // A request without its end is none: whether its head went ahead is the lane's own affair.
        if seen.whole && all.last() != Some(&seen) {
            all.push(seen);
        }
    }
    all
}
