//! Orders (FR-005): placed by partners, changed while they are pending, moved along their way, and
//! cancelled rather than deleted.
//!
//! The service sets the prices. A price that a client sends must be the product's own: it is a check,
//! not a wish.

mod input;
mod routes;
mod status;
mod store;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::money::Money;

pub(crate) use routes::{cancel, change, change_status, create, list, read, replace};

/// Where orders lie.
pub(crate) const PATH: &str = "/api/v1/orders";

/// An order as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) customer_id: String,
    pub(crate) status: String,
    pub(crate) items: Vec<Item>,
    pub(crate) total: Money,
    pub(crate) currency: String,
    pub(crate) shipping_address: Option<Address>,
    pub(crate) note: Option<String>,
    /// The consumer that the edge named when the order was placed.
    pub(crate) created_by: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) cancelled_at: Option<Timestamp>,
}

/// One line of an order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item {
    pub(crate) product_id: String,
    pub(crate) quantity: i64,
    /// Of one piece, as it was when the order was placed.
    pub(crate) price: Money,
}

/// Where an order goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) street: String,
    pub(crate) city: String,
    pub(crate) state: Option<String>,
    pub(crate) zip: String,
    pub(crate) country: Option<String>,
}
