//! The parts of a list, a mapping, or a choice, as serde walks them. Each part that fails is reported
//! at its own place.

use super::super::spanned::SPANNED_FIELDS;
use super::super::tree::{Entry, NodeId};
use super::reader::Reader;
use super::sample::Sample;
use super::wrong::Wrong;
use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

/// The elements of a list.
pub(super) struct Elements<'a> {
    reader: Reader<'a>,
    items: &'a [NodeId],
    next: usize,
}

/// The fields of a mapping.
pub(super) struct Fields<'a> {
    reader: Reader<'a>,
    entries: std::slice::Iter<'a, Entry>,
    /// The names that there may be; `None`: any.
    known: Option<&'static [&'static str]>,
    /// Missing fields to stand in for.
    given: std::vec::IntoIter<&'static str>,
    current: Current<'a>,
}

enum Current<'a> {
    None,
    Entry { name: &'a str, value: NodeId },
    Given,
}

/// One of several names, perhaps with content.
pub(super) struct OneOf<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) name: NodeId,
    pub(super) value: Option<NodeId>,
}

/// A value with its place.
pub(super) struct SpannedParts<'a> {
    reader: Reader<'a>,
    part: usize,
}

// === impl Elements ===

impl<'a> Elements<'a> {
    pub(super) const fn new(reader: Reader<'a>, items: &'a [NodeId]) -> Self {
        Self {
            reader,
            items,
            next: 0,
        }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Wrong> {
        let Reader { context, path, .. } = self.reader;
        while let Some(&id) = self.items.get(self.next) {
            let path = path.element(self.next);
            self.next += 1;
            if context.is_masked(id) {
                continue;
            }
            let read = seed.deserialize(Reader::new(context, id, &path));
            return read
                .map(Some)
                .map_err(|wrong| context.fail(id, &path, wrong));
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

// === impl Fields ===

impl<'a> Fields<'a> {
    /// A mapping that may have any names.
    pub(super) fn any(reader: Reader<'a>, entries: &'a [Entry]) -> Self {
        Self {
            reader,
            entries: entries.iter(),
            known: None,
            given: Vec::new().into_iter(),
            current: Current::None,
        }
    }

    /// A mapping that may have these names only.
    pub(super) fn known(
        reader: Reader<'a>,
        entries: &'a [Entry],
        known: &'static [&'static str],
    ) -> Self {
        let given = reader.context.given(reader.id).into_iter();
        Self {
            reader,
            entries: entries.iter(),
            known: Some(known),
            given,
            current: Current::None,
        }
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Reader { context, path, .. } = self.reader;
        for &Entry { key, value } in self.entries.by_ref() {
            if context.is_masked(key) || context.is_masked(value) {
                continue;
            }
            let name = context.tree.text(key).unwrap_or_default();
            let path = path.field(name);
            if let Some(known) = self.known
                && !known.contains(&name)
            {
                context.unknown_field(key, &path, name, known);
                continue;
            }
            self.current = Current::Entry { name, value };
            let read = seed.deserialize(Reader::new(context, key, &path));
            return read
                .map(Some)
                .map_err(|wrong| context.fail(key, &path, wrong));
        }
        let Some(name) = self.given.next() else {
            return Ok(None);
        };
        self.current = Current::Given;
        let name: StrDeserializer<'_, Wrong> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        let Reader { context, path, .. } = self.reader;
        match std::mem::replace(&mut self.current, Current::None) {
            Current::Entry { name, value } => {
                let path = path.field(name);
                let read = seed.deserialize(Reader::new(context, value, &path));
                read.map_err(|wrong| context.fail(value, &path, wrong))
            }
            Current::Given => seed.deserialize(Sample).map_err(|_| Wrong::Sample),
            Current::None => Err(Wrong::custom("a value was asked for before its name")),
        }
    }
}

// === impl OneOf ===

impl OneOf<'_> {
    fn other(&self, expected: &dyn Expected) -> Wrong {
        Wrong::invalid_type(Unexpected::Other(""), expected)
    }

    /// Reads the content behind the name, at its own place.
    fn content<T>(self, read: impl FnOnce(Reader<'_>) -> Result<T, Wrong>) -> Result<T, Wrong> {
        let Reader { context, path, .. } = self.reader;
        let name = context.tree.text(self.name).unwrap_or_default();
        let Some(value) = self.value else {
            return Err(Wrong::custom(format!(
                "`{name}` needs a value\nhint: write `{name}: …`"
            )));
        };
        if context.is_masked(value) {
            return Err(Wrong::Reported);
        }
        let path = path.field(name);
        read(Reader::new(context, value, &path)).map_err(|wrong| context.fail(value, &path, wrong))
    }
}

impl<'de> EnumAccess<'de> for OneOf<'_> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        let Reader { context, path, .. } = self.reader;
        let name = seed.deserialize(Reader::new(context, self.name, path));
        match (name, self.value) {
            (Ok(name), _) => Ok((name, self)),
            (Err(wrong), None) => Err(wrong),
            (Err(wrong), Some(_)) => {
                context.fail(self.name, path, wrong);
                context.mask(self.reader.id);
                Err(Wrong::Reported)
            }
        }
    }
}

impl<'de> VariantAccess<'de> for OneOf<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        match self.value {
            None => Ok(()),
            Some(_) => Err(self.other(&"a name alone")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        self.content(|reader| seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.content(|reader| reader.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.content(|reader| reader.deserialize_struct("", fields, visitor))
    }
}

// === impl SpannedParts ===

impl<'a> SpannedParts<'a> {
    pub(super) const fn new(reader: Reader<'a>) -> Self {
        Self { reader, part: 0 }
    }
}

impl<'de> MapAccess<'de> for SpannedParts<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Some(name) = SPANNED_FIELDS.get(self.part) else {
            return Ok(None);
        };
        let name: StrDeserializer<'_, Wrong> = (*name).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        let span = self.reader.context.tree.span(self.reader.id);
        self.part += 1;
        let bound = |byte: u32| -> U32Deserializer<Wrong> { byte.into_deserializer() };
        match self.part {
            1 => seed.deserialize(bound(span.start)),
            2 => seed.deserialize(bound(span.end)),
            // What is wrong here is wrong with the value itself: its reader reports it.
            _ => seed.deserialize(self.reader),
        }
    }
}
