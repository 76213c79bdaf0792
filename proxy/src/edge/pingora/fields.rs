//! Pingora's heads as views, and our edits in Pingora's headers.

use ::pingora::http::{RequestHeader, ResponseHeader};
use filters::edits::Fieldmap;
use filters::head::{Head, Version};
use http::{HeaderName, HeaderValue};

/// A request's head as filters see it.
pub(super) fn view(head: &RequestHeader) -> Head<'_> {
    Head {
        method: head.method.as_str(),
        target: head.raw_path(),
        authority: head
            .uri
            .authority()
            .map(|authority| authority.as_str().as_bytes()),
        version: match head.version {
            http::Version::HTTP_10 => Version::Http10,
            http::Version::HTTP_2 => Version::Http2,
            _ => Version::Http11,
        },
        fields: &head.headers,
    }
}

/// Pingora's header map with its side table of spellings, which only its own methods keep in step.
pub(super) struct Editable<'a, H>(pub(super) &'a mut H);

macro_rules! editable {
    ($head:ty) => {
        impl Fieldmap for Editable<'_, $head> {
            fn retain(&mut self, keep: &dyn Fn(&str) -> bool) {
                let gone: Vec<HeaderName> =
                    self.0.headers.keys().filter(|name| !keep(name.as_str())).cloned().collect();
                for name in gone {
                    self.0.remove_header(&name);
                }
            }

            fn append(&mut self, name: HeaderName, value: HeaderValue) {
                // A checked name and value cannot fail; a table that is full must not pass silently.
                if let Err(error) = self.0.append_header(name, value) {
                    tracing::error!(%error, "cannot append a header");
                }
            }
        }
    };
}

editable!(RequestHeader);
editable!(ResponseHeader);
