//! A client whose whole request is known beforehand, and its field lines.

use crate::exchange::{BoxFuture, Client};
use crate::head::{Fields, Head, Version};
use crate::reply::Reply;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::collections::VecDeque;

/// Field lines in their order and spelling.
#[derive(Clone, Debug, Default)]
pub struct FieldList(Vec<(Vec<u8>, Vec<u8>)>);

/// A client whose whole request is known beforehand.
pub struct FakeClient {
    method: String,
    target: Vec<u8>,
    authority: Option<Vec<u8>>,
    version: Version,
    fields: FieldList,
    announced: Option<u64>,
    chunks: VecDeque<Bytes>,
    broken: Option<Box<Reply>>,
    /// How often the body was asked for.
    pub reads: usize,
}

// === impl FieldList ===

impl FieldList {
    /// Lines from pairs.
    #[must_use]
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        let mut list = Self::default();
        for (name, value) in pairs {
            list.push(name.as_bytes(), value.as_bytes());
        }
        list
    }

    /// One line more, in whatever bytes.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.0.push((name.to_vec(), value.to_vec()));
    }

    /// The lines as a map: those that a map can hold.
    #[must_use]
    pub fn to_map(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in &self.0 {
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
            {
                map.append(name, value);
            }
        }
        map
    }
}

impl Fields for FieldList {
    fn nth(&self, name: &HeaderName, n: usize) -> Option<&[u8]> {
        let wanted = name.as_str().as_bytes();
        self.0
            .iter()
            .filter(|(spelled, _)| spelled.eq_ignore_ascii_case(wanted))
            .nth(n)
            .map(|(_, value)| value.as_slice())
    }

    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a [u8], &'a [u8])) {
        for (name, value) in &self.0 {
            visit(name, value);
        }
    }
}

// === impl FakeClient ===

impl FakeClient {
    /// A request by HTTP/1.1 without fields and without a body.
    #[must_use]
    pub fn new(method: &str, target: impl AsRef<[u8]>) -> Self {
        Self {
            method: method.to_owned(),
            target: target.as_ref().to_vec(),
            authority: None,
            version: Version::Http11,
            fields: FieldList::default(),
            announced: Some(0),
            chunks: VecDeque::new(),
            broken: None,
            reads: 0,
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(target: impl AsRef<[u8]>) -> Self {
        Self::new("GET", target)
    }

    /// A POST.
    #[must_use]
    pub fn post(target: impl AsRef<[u8]>) -> Self {
        Self::new("POST", target)
    }

    /// By another version.
    #[must_use]
    pub const fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// With an absolute-form target or HTTP/2's `:authority`.
    #[must_use]
    pub fn authority(mut self, authority: &str) -> Self {
        self.authority = Some(authority.as_bytes().to_vec());
        self
    }

    /// With one field line more.
    #[must_use]
    pub fn field(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.fields.push(name.as_ref(), value.as_ref());
        self
    }

    /// With a body in one piece, its length announced. No field line is added.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        self.announced = Some(body.len() as u64);
        self.chunks = VecDeque::from([body]);
        self
    }

    /// With a body in pieces whose length was not announced. No field line is added.
    #[must_use]
    pub fn chunks<B: Into<Bytes>>(mut self, chunks: impl IntoIterator<Item = B>) -> Self {
        self.announced = None;
        self.chunks = chunks.into_iter().map(Into::into).collect();
        self
    }

    /// With another announced length than the body has.
    #[must_use]
    pub const fn announcing(mut self, length: Option<u64>) -> Self {
        self.announced = length;
        self
    }

    /// With a body that ends in this reply instead of its end.
    #[must_use]
    pub fn breaking(mut self, reply: Box<Reply>) -> Self {
        self.broken = Some(reply);
        self
    }

    /// The request's field lines.
    #[must_use]
    pub const fn fields(&self) -> &FieldList {
        &self.fields
    }
}

impl Client for FakeClient {
    fn head(&self) -> Head<'_> {
        Head {
            method: &self.method,
            target: &self.target,
            authority: self.authority.as_deref(),
            version: self.version,
            fields: &self.fields,
        }
    }

    fn announced_length(&self) -> Option<u64> {
        self.announced
    }

    fn read<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Bytes>, Box<Reply>>> {
        self.reads += 1;
        let next = match (self.chunks.pop_front(), self.broken.take()) {
            (Some(chunk), broken) => {
                self.broken = broken;
                Ok(Some(chunk))
            }
            (None, Some(reply)) => Err(reply),
            (None, None) => Ok(None),
        };
        Box::pin(std::future::ready(next))
    }
}
