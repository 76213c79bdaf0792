//! ClientHellos by hand (RFC 8446, section 4.1.2; RFC 5246, section 7.4.1.2).

/// What a ClientHello offers.
#[derive(Clone)]
pub(super) struct Hello<'a> {
    /// The version in the message.
    pub(super) version: u16,
    pub(super) suites: &'a [u16],
    pub(super) compressions: &'a [u8],
    /// Extensions: type and content.
    pub(super) extensions: Vec<(u16, Vec<u8>)>,
}

impl<'a> Hello<'a> {
    /// Without any extension, as in the times before them.
    pub(super) const fn plain(version: u16, suites: &'a [u16]) -> Self {
        Self {
            version,
            suites,
            compressions: &[0],
            extensions: Vec::new(),
        }
    }

    /// With all that TLS 1.2 needs to agree on a suite: a name, groups, point formats, signatures.
    pub(super) fn of(suites: &'a [u16]) -> Self {
        let name = b"edge.example";
        let length = name.len().to_be_bytes()[7];
        let sni = [&[0, length + 3, 0, 0, length][..], name].concat();
        Self {
            extensions: vec![
                (0, sni),
                // x25519, secp256r1, secp384r1.
                (10, vec![0, 6, 0, 29, 0, 23, 0, 24]),
                (11, vec![1, 0]),
                (13, signatures(&[0x0403, 0x0503, 0x0804, 0x0401, 0x0501])),
                // Extended master secret, and no renegotiation yet.
                (23, Vec::new()),
                (0xff01, vec![0]),
            ],
            ..Self::plain(0x0303, suites)
        }
    }

    /// The same with another content of one extension.
    pub(super) fn with(mut self, number: u16, content: Vec<u8>) -> Self {
        self.extensions.retain(|(known, _)| *known != number);
        self.extensions.push((number, content));
        self
    }

    /// The handshake message.
    pub(super) fn message(&self) -> Vec<u8> {
        let mut body = self.version.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.push(0);
        let suites: Vec<u8> = self
            .suites
            .iter()
            .flat_map(|suite| suite.to_be_bytes())
            .collect();
        body.extend(sized(&suites));
        body.push(self.compressions.len().to_be_bytes()[7]);
        body.extend(self.compressions);
        if !self.extensions.is_empty() {
            let extensions: Vec<u8> = self
                .extensions
                .iter()
                .flat_map(|(number, content)| [&number.to_be_bytes()[..], &sized(content)].concat())
                .collect();
            body.extend(sized(&extensions));
        }
        let mut message = vec![1];
        message.extend(&body.len().to_be_bytes()[5..]);
        message.extend(body);
        message
    }

    /// The message in one record, unencrypted.
    pub(super) fn record(&self) -> Vec<u8> {
        let mut record = vec![22, 3, 1];
        record.extend(sized(&self.message()));
        record
    }
}

/// The extension that lists signatures.
pub(super) fn signatures(schemes: &[u16]) -> Vec<u8> {
    let schemes: Vec<u8> = schemes
        .iter()
        .flat_map(|scheme| scheme.to_be_bytes())
        .collect();
    sized(&schemes)
}

/// Bytes with their length before them, in two bytes.
fn sized(bytes: &[u8]) -> Vec<u8> {
    [&bytes.len().to_be_bytes()[6..], bytes].concat()
}
