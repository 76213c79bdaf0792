//! What one exchange is made of, before any lane has seen it.

/// One exchange: what the client says, what the upstream has to get of it, what that answers.
#[derive(Clone)]
pub(crate) struct Exchange {
    /// Stands in the target, and leads the upstream to its script.
    pub id: u32,
    /// The request, byte by byte.
    pub request: Vec<u8>,
    /// Bytes of its head, when the client waits for `100 Continue` behind it.
    pub waits: Option<usize>,
    /// The method, by which the answer is read.
    pub method: String,
    /// What the upstream gets, if it gets all.
    pub onward: Onward,
    /// What the upstream does.
    pub script: Script,
    /// What it is, for the report.
    pub class: &'static str,
}

/// What the upstream may get of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Onward {
    /// This, if the request is let through.
    Exactly {
        /// The target.
        target: Vec<u8>,
        /// The body.
        body: Vec<u8>,
    },
    /// Perhaps a head, never a whole request.
    NeverWhole,
    /// Whatever both lanes make of it.
    Unknown,
}

/// What the upstream does with one request.
#[derive(Clone, Default)]
pub(crate) struct Script {
    /// What it says, piece by piece.
    pub pieces: Vec<Vec<u8>>,
    /// It says so before it has read the body.
    pub early: bool,
    /// It closes behind that.
    pub closes: bool,
    /// What it is, for the report.
    pub class: &'static str,
    /// Nobody but an oracle of its own knows what this answer means.
    pub hostile: bool,
}

/// Exchanges on one connection of a client.
#[derive(Clone)]
pub(crate) struct Conversation {
    /// In their order.
    pub exchanges: Vec<Exchange>,
    /// How they are sent.
    pub delivery: Delivery,
    /// Where their bytes are split.
    pub pieces: Vec<Vec<Vec<u8>>>,
}

/// How requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Each when the one before it is answered.
    InTurn,
    /// All at once.
    Pipelined,
    /// All at once, and the client leaves behind so many bytes.
    Cut(usize),
}

/// The target that no request of ours has: whoever sees it upstream sees a smuggled request.
pub(crate) const SMUGGLED: &str = "/open/smuggled";

/// What an attacker hides behind a request.
pub(crate) const HIDDEN: &str = "GET /open/smuggled HTTP/1.1\r\nHost: edge.example\r\n\r\n";

/// An id as targets have it: with a check, so that a damaged one is nobody's.
pub(crate) fn id_text(id: u32) -> String {
    format!("{id:08x}{:04x}", check(id))
}

/// The id that a target names, if it is undamaged.
pub(crate) fn id_of(target: &[u8]) -> Option<u32> {
    let segment = target.split(|&byte| byte == b'/').nth(2)?;
    let text = std::str::from_utf8(segment.get(..12)?).ok()?;
    let end = segment.get(12);
    if !matches!(end, None | Some(b'?' | b'-')) {
        return None;
    }
    let id = u32::from_str_radix(&text[..8], 16).ok()?;
    (text == id_text(id)).then_some(id)
}

fn check(id: u32) -> u16 {
    (id.wrapping_mul(0x9e37_79b1) >> 16) as u16
}
