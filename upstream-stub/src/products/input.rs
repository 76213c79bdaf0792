//! What a client may say about a product, checked.

use serde_json::Value;

use crate::check::{Fields, Found, amount, capitals, text, word};
use crate::envelope::Refusal;
use crate::limits::{LONG_CHARS_MAX, SHORT_CHARS_MAX};
use crate::money::Money;
use crate::products::STATUSES;

const KNOWN: &[&str] = &[
    "sku",
    "name",
    "description",
    "category",
    "price",
    "currency",
    "status",
];

/// A whole product, for `POST` and `PUT`.
pub(crate) struct NewProduct {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) category: String,
    pub(crate) price: Money,
    pub(crate) currency: String,
    pub(crate) status: &'static str,
}

/// Some fields of a product, for `PATCH`; what is `None` stays.
pub(crate) struct ProductChange {
    pub(crate) sku: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<Option<String>>,
    pub(crate) category: Option<String>,
    pub(crate) price: Option<Money>,
    pub(crate) currency: Option<String>,
    pub(crate) status: Option<&'static str>,
}

impl NewProduct {
    pub(crate) fn read(body: &Value) -> Result<Self, Refusal> {
        let mut found = Found::default();
        let new = Self::read_fields(body, &mut found);
        found.or(new).map_err(Refusal::invalid)
    }

    fn read_fields(body: &Value, found: &mut Found) -> Option<Self> {
        let mut fields = Fields::open(body, "", KNOWN, found)?;
        // Every field is read before any is missed, so that all mistakes are found.
        let sku = fields.required("sku", text(1..=64));
        let name = fields.required("name", text(1..=SHORT_CHARS_MAX));
        let description = fields.nullable("description", text(0..=LONG_CHARS_MAX));
        let category = fields.required("category", text(1..=64));
        let price = fields.required("price", amount);
        let currency = fields.given("currency", capitals(3));
        let status = fields.given("status", word(STATUSES));
        Some(Self {
            sku: sku?,
            name: name?,
            description: description.flatten(),
            category: category?,
            price: price?,
            currency: currency.unwrap_or_else(|| "USD".to_owned()),
            status: status.unwrap_or("active"),
        })
    }
}

impl ProductChange {
    pub(crate) fn read(body: &Value) -> Result<Self, Refusal> {
        let mut found = Found::default();
        let change = Fields::open(body, "", KNOWN, &mut found).map(|mut fields| Self {
            sku: fields.given("sku", text(1..=64)),
            name: fields.given("name", text(1..=SHORT_CHARS_MAX)),
            description: fields.nullable("description", text(0..=LONG_CHARS_MAX)),
            category: fields.given("category", text(1..=64)),
            price: fields.given("price", amount),
            currency: fields.given("currency", capitals(3)),
            status: fields.given("status", word(STATUSES)),
        });
        found.or(change).map_err(Refusal::invalid)
    }
}

/// A `PUT` says all that a `PATCH` can.
impl From<NewProduct> for ProductChange {
    fn from(new: NewProduct) -> Self {
        Self {
            sku: Some(new.sku),
            name: Some(new.name),
            description: Some(new.description),
            category: Some(new.category),
            price: Some(new.price),
            currency: Some(new.currency),
            status: Some(new.status),
        }
    }
}
