//! Just enough HTTP/1.1 to tell one message from the next: for the origin and the generator, and not
//! made of the code that they measure.
//!
//! Framing by length alone. What is framed otherwise is an error here, and so a failed measurement.

/// What a message's head says of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the head, the empty line included.
    pub length: usize,
    /// Bytes of the body.
    pub body_length: usize,
    /// A response's status; 0 for a request.
    pub status: u16,
    /// The sender closes the connection behind this message.
    pub closes: bool,
    /// It names the request's id.
    pub has_request_id: bool,
}

/// A head that is not of the kind that is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);

/// Reads the head at the start of the buffer; `None` when it is not whole.
///
/// # Errors
/// [`Unreadable`] when the body is not framed by its length, or a line makes no sense.
pub fn read_head(buffer: &[u8]) -> Result<Option<Head>, Unreadable> {
    let mut head = Head {
        length: 0,
        body_length: 0,
        status: 0,
        closes: false,
        has_request_id: false,
    };
    let mut rest = buffer;
    let mut first = true;
    while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        head.length += end + 1;
        rest = &rest[end + 1..];
        match (first, line) {
            (true, _) => head.status = status(line).ok_or_else(|| unreadable(line))?,
            (false, []) => return Ok(Some(head)),
            (false, _) => field(&mut head, line)?,
        }
        first = false;
    }
    Ok(None)
}

/// A status line's status; 0 of any other line.
fn status(line: &[u8]) -> Option<u16> {
    let Some(rest) = line.strip_prefix(b"HTTP/1.1 ") else {
        return Some(0);
    };
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}

fn field(head: &mut Head, line: &[u8]) -> Result<(), Unreadable> {
    // Only four names matter, and their lengths are rare ones.
    let Some(colon) = line.iter().position(|&byte| byte == b':') else {
        return Err(unreadable(line));
    };
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    match name.len() {
        10 if name.eq_ignore_ascii_case(b"connection") => {
            head.closes = value.eq_ignore_ascii_case(b"close");
        }
        12 if name.eq_ignore_ascii_case(b"x-request-id") => {
            head.has_request_id = !value.is_empty();
        }
        14 if name.eq_ignore_ascii_case(b"content-length") => {
            let length = std::str::from_utf8(value).ok();
            head.body_length = length
                .and_then(|length| length.parse().ok())
                .ok_or_else(|| unreadable(line))?;
        }
        17 if name.eq_ignore_ascii_case(b"transfer-encoding") => return Err(unreadable(line)),
        _ => {}
    }
    Ok(())
}

fn unreadable(line: &[u8]) -> Unreadable {
    Unreadable(String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_counts_when_it_is_not_empty() {
        for (line, expected) in [
            ("X-Request-Id: 7", true),
            ("x-request-id:7", true),
            ("X-Request-Id: ", false),
            ("X-Request-Ie: 7", false),
            ("X-Request-I: 7", false),
        ] {
            let text = format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n");
            let head = read_head(text.as_bytes()).unwrap().unwrap();
            assert_eq!(head.has_request_id, expected, "{line}");
        }
    }

    #[test]
    fn a_head_tells_where_its_message_ends() {
        let head = |length, body_length, status, closes| {
            Ok(Some(Head {
                length,
                body_length,
                status,
                closes,
                has_request_id: false,
            }))
        };
        let bad = |line: &str| Err(Unreadable(line.to_owned()));
        for (text, expected) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                head(38, 5, 200, false),
            ),
            (
                "HTTP/1.1 401 No\r\ncontent-length:0\r\nConnection: Close\r\n\r\n",
                head(56, 0, 401, true),
            ),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", head(27, 0, 0, false)),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r", Ok(None)),
            ("GET / HTTP/1.1", Ok(None)),
            ("", Ok(None)),
            ("HTTP/1.1 2x0 OK\r\n", bad("HTTP/1.1 2x0 OK")),
            ("HTTP/1.1 2", Ok(None)),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: x\r\n",
                bad("Content-Length: x"),
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
                bad("Transfer-Encoding: chunked"),
            ),
            ("HTTP/1.1 200 OK\r\nnothing\r\n", bad("nothing")),
        ] {
            assert_eq!(read_head(text.as_bytes()), expected, "{text:?}");
        }
    }
}
