//! What a client may say about an order, checked.

use serde_json::Value;

use super::Address;
use super::status::STATUSES;
use crate::check::{Fields, Found, amount, capitals, id, text, whole, word};
use crate::envelope::Refusal;
use crate::id::{CUSTOMER, PRODUCT};
use crate::limits::{ITEMS_MAX, LONG_CHARS_MAX, QUANTITY_MAX, SHORT_CHARS_MAX};
use crate::money::Money;

const KNOWN: &[&str] = &["customerId", "items", "shippingAddress", "note"];

/// What an order says; for `POST` and `PUT` all of it, for `PATCH` what is to change.
pub(crate) struct OrderChange {
    pub(crate) customer_id: Option<String>,
    pub(crate) items: Option<Vec<ItemInput>>,
    pub(crate) shipping_address: Option<Option<Address>>,
    pub(crate) note: Option<Option<String>>,
}

/// One line of an order, as a client asks for it.
pub(crate) struct ItemInput {
    pub(crate) product_id: String,
    pub(crate) quantity: i64,
    /// What the client believes to be the price.
    pub(crate) price: Option<Money>,
}

impl OrderChange {
    /// Reads a `PATCH`.
    pub(crate) fn read_some(body: &Value) -> Result<Self, Refusal> {
        let mut found = Found::default();
        let change = Fields::open(body, "", KNOWN, &mut found).map(|mut fields| Self {
            customer_id: fields.given("customerId", id(CUSTOMER)),
            items: fields.given("items", items),
            shipping_address: fields.nullable("shippingAddress", address),
            note: fields.nullable("note", text(0..=LONG_CHARS_MAX)),
        });
        found.or(change).map_err(Refusal::invalid)
    }

    /// Reads a `POST` or `PUT`: what is not said is null.
    pub(crate) fn read_whole(body: &Value) -> Result<Self, Refusal> {
        let mut found = Found::default();
        let change = Fields::open(body, "", KNOWN, &mut found).map(|mut fields| Self {
            customer_id: fields.required("customerId", id(CUSTOMER)),
            items: fields.required("items", items),
            shipping_address: Some(fields.nullable("shippingAddress", address).flatten()),
            note: Some(fields.nullable("note", text(0..=LONG_CHARS_MAX)).flatten()),
        });
        found.or(change).map_err(Refusal::invalid)
    }
}

/// Reads the body of a status change.
pub(crate) fn read_status(body: &Value) -> Result<&'static str, Refusal> {
    let mut found = Found::default();
    let status = Fields::open(body, "", &["status"], &mut found)
        .and_then(|mut fields| fields.required("status", word(STATUSES)));
    found.or(status).map_err(Refusal::invalid)
}

fn items(value: &Value, pointer: &str, found: &mut Found) -> Option<Vec<ItemInput>> {
    let list = value
        .as_array()
        .filter(|list| (1..=ITEMS_MAX).contains(&list.len()));
    let Some(list) = list else {
        found.add(pointer, format!("must be a list of 1 to {ITEMS_MAX} items"));
        return None;
    };
    let read: Vec<_> = list
        .iter()
        .enumerate()
        .map(|(at, value)| item(value, &format!("{pointer}/{at}"), found))
        .collect();
    read.into_iter().collect()
}

fn item(value: &Value, pointer: &str, found: &mut Found) -> Option<ItemInput> {
    let mut fields = Fields::open(value, pointer, &["productId", "quantity", "price"], found)?;
    let product_id = fields.required("productId", id(PRODUCT));
    let quantity = fields.required("quantity", whole(1..=QUANTITY_MAX));
    let price = fields.given("price", amount);
    Some(ItemInput {
        product_id: product_id?,
        quantity: quantity?,
        price,
    })
}

fn address(value: &Value, pointer: &str, found: &mut Found) -> Option<Address> {
    let known = &["street", "city", "state", "zip", "country"];
    let mut fields = Fields::open(value, pointer, known, found)?;
    let street = fields.required("street", text(1..=SHORT_CHARS_MAX));
    let city = fields.required("city", text(1..=SHORT_CHARS_MAX));
    let state = fields.nullable("state", text(1..=SHORT_CHARS_MAX));
    let zip = fields.required("zip", text(1..=20));
    let country = fields.nullable("country", capitals(2));
    Some(Address {
        street: street?,
        city: city?,
        state: state.flatten(),
        zip: zip?,
        country: country.flatten(),
    })
}
