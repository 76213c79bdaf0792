//! serde's view of one value of the tree.

use super::super::span::Path;
use super::super::spanned::SPANNED;
use super::super::tree::{Content, NodeId, is_number};
use super::access::{Elements, Fields, OneOf, SpannedParts};
use super::wrong::Wrong;
use super::{Context, NODE};
use serde::de::{Deserializer, Error, Expected, Unexpected, Visitor};

/// Reads one value of a policy file.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) id: NodeId,
    pub(super) path: &'a Path<'a>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(context: &'a Context<'a>, id: NodeId, path: &'a Path<'a>) -> Self {
        Self { context, id, path }
    }

    fn content(&self) -> &'a Content {
        &self.context.tree.value(self.id).content
    }

    /// The text of an unquoted scalar.
    fn plain(&self) -> Option<&'a str> {
        match self.content() {
            Content::Scalar { text, plain: true } => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar that is not empty by leaving it out.
    fn text(&self) -> Option<&'a str> {
        match self.content() {
            Content::Scalar { text, .. } if !self.context.tree.value(self.id).is_null() => {
                Some(text)
            }
            _ => None,
        }
    }

    /// It is something else than the visitor wants.
    fn other(&self, expected: &dyn Expected) -> Wrong {
        match self.content() {
            Content::Broken => Wrong::Reported,
            _ => Wrong::invalid_type(Unexpected::Other(""), expected),
        }
    }
}

macro_rules! numbers {
    ($($method:ident $type:ty => $visit:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            let number = self.plain().filter(|text| is_number(text)).and_then(|text| text.parse::<$type>().ok());
            match number {
                Some(number) => visitor.$visit(number),
                None => Err(self.other(&visitor)),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Wrong;

    numbers! {
        deserialize_i8 i64 => visit_i64;
        deserialize_i16 i64 => visit_i64;
        deserialize_i32 i64 => visit_i64;
        deserialize_i64 i64 => visit_i64;
        deserialize_i128 i128 => visit_i128;
        deserialize_u8 u64 => visit_u64;
        deserialize_u16 u64 => visit_u64;
        deserialize_u32 u64 => visit_u64;
        deserialize_u64 u64 => visit_u64;
        deserialize_u128 u128 => visit_u128;
        deserialize_f32 f64 => visit_f64;
        deserialize_f64 f64 => visit_f64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.content() {
            Content::List(_) => return self.deserialize_seq(visitor),
            Content::Mapping(_) => return self.deserialize_map(visitor),
            Content::Broken => return Err(Wrong::Reported),
            Content::Scalar { text, plain: false } => return visitor.visit_str(text),
            Content::Scalar { .. } => {}
        }
        let text = self.plain().unwrap_or_default();
        match text {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ if self.context.tree.value(self.id).is_null() => visitor.visit_unit(),
            _ if !is_number(text) => visitor.visit_str(text),
            _ => {
                if let Ok(number) = text.parse::<u64>() {
                    visitor.visit_u64(number)
                } else if let Ok(number) = text.parse::<i64>() {
                    visitor.visit_i64(number)
                } else if let Ok(number) = text.parse::<f64>() {
                    visitor.visit_f64(number)
                } else {
                    visitor.visit_str(text)
                }
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.plain() {
            Some("true") => visitor.visit_bool(true),
            Some("false") => visitor.visit_bool(false),
            _ => Err(self.other(&visitor)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.text() {
            Some(text) => visitor.visit_str(text),
            None => Err(self.other(&visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        // A field that is there says something: `tls:` with nothing behind it is half a thought.
        if self.context.tree.value(self.id).is_null() {
            return Err(Wrong::Expected("a value".to_owned()));
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.context.tree.value(self.id).is_null() {
            return visitor.visit_unit();
        }
        Err(self.other(&visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if name == NODE {
            return visitor.visit_u32(self.id.0);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.content() {
            Content::List(items) => visitor.visit_seq(Elements::new(self, items)),
            _ => Err(self.other(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.content() {
            Content::Mapping(entries) => visitor.visit_map(Fields::any(self, entries)),
            _ => Err(self.other(&visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if name == SPANNED {
            return visitor.visit_map(SpannedParts::new(self));
        }
        let Content::Mapping(entries) = self.content() else {
            let list = super::super::hint::list(fields.iter().copied());
            return match (self.other(&visitor), list) {
                (Wrong::Expected(_), Some(list)) => {
                    Err(Wrong::Expected(format!("a mapping with {list}")))
                }
                (other, _) => Err(other),
            };
        };
        let read = visitor.visit_map(Fields::known(self, entries, fields));
        read.map_err(|wrong| self.context.close(self.id, self.path, wrong))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.content() {
            Content::Scalar { .. } if self.text().is_some() => visitor.visit_enum(OneOf {
                reader: self,
                name: self.id,
                value: None,
            }),
            Content::Mapping(entries) if entries.len() == 1 => visitor.visit_enum(OneOf {
                reader: self,
                name: entries[0].key,
                value: Some(entries[0].value),
            }),
            _ => Err(self.other(&visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }
}
