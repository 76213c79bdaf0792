//! Field lines: read strictly, kept as places in the buffer, never copied (RFC 9112, section 5).

use super::bytes;
use super::limits::{FIELDS_MAX, HeadLimits};
use super::parse::{Stop, Window};
use super::refusal::Refusal;

/// One field line.
///
/// It has no `Debug`: values are credentials as often as not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'b> {
    /// The name as it was spelled: a token, so ASCII.
    pub name: &'b [u8],
    /// The value without white space around it: no controls but HTAB; perhaps bytes above ASCII.
    pub value: &'b [u8],
}

/// The field lines of a head, in their order and spelling.
#[derive(Clone)]
pub struct Fields<'b> {
    bytes: &'b [u8],
    places: [Place; FIELDS_MAX],
    count: u8,
    has_obs_text: bool,
}

/// The field lines of a [`Fields`], one by one.
#[derive(Clone)]
pub struct FieldIter<'a, 'b> {
    bytes: &'b [u8],
    places: std::slice::Iter<'a, Place>,
}

/// Where a field line lies. Sixteen bits each: a head's places take 800 bytes, which are cleared for
/// every head.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    name: u16,
    colon: u16,
    value: u16,
    end: u16,
}

/// One field line that was read.
pub(super) struct Line {
    pub(super) place: Place,
    pub(super) has_obs_text: bool,
    /// The position of the next line.
    pub(super) next: usize,
}

// === impl Field ===

impl Field<'_> {
    /// Whether the name is this one, without regard to case.
    #[inline]
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

// === impl Fields ===

impl<'b> Fields<'b> {
    /// Reads field lines from `start` to the empty line; the position behind that, too.
    pub(super) fn parse(
        window: Window<'b>,
        start: usize,
        limits: &HeadLimits,
    ) -> Result<(Self, usize), Stop> {
        let mut fields = Self {
            bytes: window.bytes,
            places: [Place::default(); FIELDS_MAX],
            count: 0,
            has_obs_text: false,
        };
        let fields_max = limits.fields_max.min(FIELDS_MAX);
        let mut at = start;
        let mut count = 0;
        loop {
            if window.byte(at)? == b'\r' {
                let end = window.line_feed(at + 1)?;
                // At most FIELDS_MAX, which fits.
                fields.count = count as u8;
                return Ok((fields, end));
            }
            if count == fields_max {
                return Err(Refusal::TooManyHeaders.into());
            }
            let line = parse_line(window, at, limits.field_bytes_max)?;
            fields.places[count] = line.place;
            fields.has_obs_text |= line.has_obs_text;
            count += 1;
            at = line.next;
        }
    }

    /// The number of field lines.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether any value has bytes of 0x80 and above (`obs-text`, RFC 9110, section 5.5): they are let
    /// through, as opaque bytes, and whoever compares or logs values may want to know.
    #[must_use]
    pub fn has_obs_text(&self) -> bool {
        self.has_obs_text
    }

    /// The field lines, in their order.
    #[must_use]
    pub fn iter(&self) -> FieldIter<'_, 'b> {
        FieldIter {
            bytes: self.bytes,
            places: self.places[..self.len()].iter(),
        }
    }

    /// The value of the `n`th line (from 0) of that name, without regard to case.
    #[must_use]
    pub fn nth(&self, name: &str, n: usize) -> Option<&'b [u8]> {
        self.iter()
            .filter(|field| field.is(name))
            .nth(n)
            .map(|field| field.value)
    }

    /// The first value of that name, without regard to case.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&'b [u8]> {
        self.nth(name, 0)
    }
}

impl<'a, 'b> IntoIterator for &'a Fields<'b> {
    type Item = Field<'b>;
    type IntoIter = FieldIter<'a, 'b>;

    fn into_iter(self) -> FieldIter<'a, 'b> {
        self.iter()
    }
}

// === impl FieldIter ===

impl<'a, 'b> FieldIter<'a, 'b> {
    /// The fields at these places of `bytes`.
    pub(super) fn new(bytes: &'b [u8], places: &'a [Place]) -> Self {
        Self {
            bytes,
            places: places.iter(),
        }
    }
}

impl<'b> Iterator for FieldIter<'_, 'b> {
    type Item = Field<'b>;

    #[inline]
    fn next(&mut self) -> Option<Field<'b>> {
        self.places.next().map(|place| place.field(self.bytes))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl ExactSizeIterator for FieldIter<'_, '_> {}

// === impl Place ===

impl Place {
    #[inline]
    fn field(self, bytes: &[u8]) -> Field<'_> {
        Field {
            name: &bytes[usize::from(self.name)..usize::from(self.colon)],
            value: &bytes[usize::from(self.value)..usize::from(self.end)],
        }
    }
}

/// Reads the field line at `start`.
///
/// The window must not reach beyond [`super::limits::HEAD_BYTES_CEILING`]: places have 16 bits.
#[inline]
pub(super) fn parse_line(
    window: Window<'_>,
    start: usize,
    field_bytes_max: usize,
) -> Result<Line, Stop> {
    let window = window.up_to(
        start.saturating_add(field_bytes_max).saturating_add(2),
        Refusal::HeaderTooLarge,
    );
    let colon = start + window.token_length(start);
    match window.byte(colon)? {
        b':' if colon > start => {}
        byte => return Err(no_name(byte, colon == start).into()),
    }
    let mut value = colon + 1;
    while bytes::is_space(window.byte(value)?) {
        value += 1;
    }
    let text = bytes::text(&window.bytes[value..]);
    let stop = value + text.length;
    match window.byte(stop)? {
        b'\r' => {}
        b'\n' => return Err(Refusal::BareLineFeed.into()),
        _ => return Err(Refusal::MalformedHeader.into()),
    }
    let next = window.line_feed(stop + 1)?;
    let mut end = stop;
    while end > value && bytes::is_space(window.bytes[end - 1]) {
        end -= 1;
    }
    // Positions are below the ceiling of 16 bits, which the window keeps.
    Ok(Line {
        place: Place {
            name: start as u16,
            colon: colon as u16,
            value: value as u16,
            end: end as u16,
        },
        has_obs_text: text.has_obs_text,
        next,
    })
}

/// Why a line does not begin with a name and a colon, by the byte that is there instead.
#[cold]
fn no_name(byte: u8, is_first: bool) -> Refusal {
    match byte {
        b'\n' => Refusal::BareLineFeed,
        // A carriage return at a line's start is the end of the section, and was one if a line feed
        // followed.
        b'\r' if is_first => Refusal::BareLineFeed,
        b' ' | b'\t' if is_first => Refusal::ObsoleteLineFolding,
        _ => Refusal::MalformedHeader,
    }
}
