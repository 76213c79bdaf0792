//! Field lines: read strictly, kept as places in the buffer, never copied (RFC 9112, section 5).

use super::bytes;
use super::limits::{FIELDS_MAX, HeadLimits};
use super::parse::{Stop, Window};
use super::refusal::Refusal;
use filters::names::mark;

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
    /// Where the line behind the last one begins.
    end: u16,
    count: u8,
    has_obs_text: bool,
    /// [Marks](mark) of the names.
    marks: u64,
}

/// The field lines of a [`Fields`], one by one.
#[derive(Clone)]
pub struct FieldIter<'a, 'b> {
    bytes: &'b [u8],
    places: &'a [Place],
    end: u16,
}

/// Where a field line begins, and its colon. The line ends where the next one begins, and white space
/// around its value is cut off when it is looked at: so a head's places take 400 bytes, which are
/// cleared for every head.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    name: u16,
    colon: u16,
}

/// A field line of which the value was not looked at.
#[derive(Clone, Copy)]
pub(super) struct RawField<'b> {
    pub(super) name: &'b [u8],
    value: &'b [u8],
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
    /// No field lines.
    #[inline]
    pub(super) fn blank() -> Self {
        Self {
            bytes: &[],
            places: [Place::default(); FIELDS_MAX],
            end: 0,
            count: 0,
            has_obs_text: false,
            marks: 0,
        }
    }

    /// Reads field lines from `start` to the empty line; the position behind that.
    ///
    /// It fills the fields where they are: to return them would copy their 800 bytes.
    #[inline]
    pub(super) fn fill(
        &mut self,
        window: Window<'b>,
        start: usize,
        limits: &HeadLimits,
    ) -> Result<usize, Stop> {
        self.bytes = window.bytes;
        self.has_obs_text = false;
        self.marks = 0;
        self.count = 0;
        let fields_max = limits.fields_max.min(FIELDS_MAX);
        let mut at = start;
        let mut count = 0;
        loop {
            if window.byte(at)? == b'\r' {
                let end = window.line_feed(at + 1)?;
                // Below the ceiling of 16 bits, and at most FIELDS_MAX.
                self.end = at as u16;
                self.count = count as u8;
                return Ok(end);
            }
            if count == fields_max {
                return Err(Refusal::TooManyHeaders.into());
            }
            let line = parse_line(window, at, limits.field_bytes_max)?;
            self.places[count] = line.place;
            self.has_obs_text |= line.has_obs_text;
            self.marks |= mark(&window.bytes[at..usize::from(line.place.colon)]);
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
        FieldIter::new(self.bytes, &self.places[..self.len()], self.end)
    }

    /// The field lines, for one who looks at few of their values.
    #[inline]
    pub(super) fn raw(&self) -> impl Iterator<Item = RawField<'b>> {
        let mut fields = self.iter();
        std::iter::from_fn(move || fields.next_raw())
    }

    /// The value of the `n`th line (from 0) of that name, without regard to case.
    #[must_use]
    pub fn nth(&self, name: &str, n: usize) -> Option<&'b [u8]> {
        if self.marks & mark(name.as_bytes()) == 0 {
            return None;
        }
        self.raw()
            .filter(|field| field.is(name))
            .nth(n)
            .map(|field| field.value())
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
    /// The fields at these places of `bytes`, the last of which ends before `end`.
    pub(super) fn new(bytes: &'b [u8], places: &'a [Place], end: u16) -> Self {
        Self { bytes, places, end }
    }

    #[inline]
    fn next_raw(&mut self) -> Option<RawField<'b>> {
        let (place, rest) = self.places.split_first()?;
        self.places = rest;
        let next = rest.first().map_or(self.end, |place| place.name);
        let colon = usize::from(place.colon);
        // Every line was read up to its CR LF.
        let end = usize::from(next) - 2;
        Some(RawField {
            name: &self.bytes[usize::from(place.name)..colon],
            value: &self.bytes[colon + 1..end],
        })
    }
}

impl<'b> Iterator for FieldIter<'_, 'b> {
    type Item = Field<'b>;

    #[inline]
    fn next(&mut self) -> Option<Field<'b>> {
        self.next_raw().map(|field| Field {
            name: field.name,
            value: field.value(),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.places.len(), Some(self.places.len()))
    }
}

impl ExactSizeIterator for FieldIter<'_, '_> {}

// === impl RawField ===

impl<'b> RawField<'b> {
    /// Whether the name is this one, without regard to case.
    #[inline]
    pub(super) fn is(self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value without white space around it.
    #[inline]
    pub(super) fn value(self) -> &'b [u8] {
        bytes::trim(self.value)
    }
}

/// Reads the field line at `start`.
///
/// The window must not reach beyond [`super::limits::HEAD_BYTES_CEILING`]: places have 16 bits.
#[inline(always)]
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
    let text = bytes::text(&window.bytes[colon + 1..]);
    let stop = colon + 1 + text.length;
    match window.byte(stop)? {
        b'\r' => {}
        b'\n' => return Err(Refusal::BareLineFeed.into()),
        _ => return Err(Refusal::MalformedHeader.into()),
    }
    let next = window.line_feed(stop + 1)?;
    // Positions are below the ceiling of 16 bits, which the window keeps.
    Ok(Line {
        place: Place {
            name: start as u16,
            colon: colon as u16,
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
