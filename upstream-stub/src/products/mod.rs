//! Products (FR-006): what can be ordered. Deleting one archives it: old orders still name it.

mod input;
mod routes;
mod store;

use jiff::Timestamp;
use serde::Serialize;

use crate::money::Money;

pub(crate) use routes::{archive, change, create, list, read, replace};

/// Where products lie.
pub(crate) const PATH: &str = "/api/v1/products";

/// What a product's status can be.
pub(crate) const STATUSES: &[&str] = &["active", "archived"];

/// A product as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Product {
    pub(crate) id: String,
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) category: String,
    pub(crate) price: Money,
    pub(crate) currency: String,
    pub(crate) status: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}
