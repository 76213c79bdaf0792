//! Orders in PostgreSQL. Whatever changes more than one row is one transaction, and nothing is
//! answered before it was committed.

use std::collections::HashMap;

use database::types::Json;
use database::{Client, Row, Transaction};
use jiff::Timestamp;
use serde::Deserialize;

use super::input::{ItemInput, OrderChange};
use super::status::{CANCELLED, CHANGEABLE, before};
use super::{Item, Order};
use crate::check::Found;
use crate::envelope::Refusal;
use crate::id::ORDER;
use crate::money::Money;
use crate::page::Page;

// One statement sees one state of the database: an order is never shown with another's total.
macro_rules! columns {
    () => {
        "id, customer_id, status, total, currency, shipping_address, note, created_by, created_at, \
         updated_at, cancelled_at, (SELECT COALESCE(jsonb_agg(jsonb_build_object('product', \
         product_id, 'quantity', quantity, 'price', price) ORDER BY position), '[]') \
         FROM order_items WHERE order_id = orders.id) AS items"
    };
}

macro_rules! matching {
    () => {
        "FROM orders WHERE ($1::text[] IS NULL OR status = ANY ($1)) \
         AND ($2::text[] IS NULL OR customer_id = ANY ($2)) \
         AND ($3::bigint IS NULL OR total >= $3) AND ($4::bigint IS NULL OR total <= $4) \
         AND ($5::timestamptz IS NULL OR created_at >= $5) \
         AND ($6::timestamptz IS NULL OR created_at < $6)"
    };
}

const READ: &str = concat!("SELECT ", columns!(), " FROM orders WHERE id = $1");

const COUNT: &str = concat!("SELECT count(*) ", matching!());

const LIST: &str = concat!("SELECT ", columns!(), " ", matching!(), " ORDER BY ");

const CREATE: &str = "INSERT INTO orders \
     (id, customer_id, total, currency, shipping_address, note, created_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

const CHANGE: &str = "UPDATE orders SET customer_id = COALESCE($2, customer_id), \
     total = COALESCE($3, total), currency = COALESCE($4, currency), \
     shipping_address = CASE WHEN $5 THEN $6 ELSE shipping_address END, \
     note = CASE WHEN $7 THEN $8 ELSE note END, updated_at = now() WHERE id = $1";

const CHANGE_STATUS: &str = "UPDATE orders SET status = $2, updated_at = now(), \
     cancelled_at = CASE WHEN $3 THEN now() END WHERE id = $1 AND status = ANY ($4)";

const ADD_ITEMS: &str = "INSERT INTO order_items (order_id, position, product_id, quantity, price) \
     SELECT $1, row_number() OVER (), product, quantity, price \
     FROM unnest($2::text[], $3::int[], $4::bigint[]) AS item (product, quantity, price)";

/// Which orders a list has.
pub(crate) struct Filter {
    pub(crate) statuses: Option<Vec<String>>,
    pub(crate) customers: Option<Vec<String>>,
    pub(crate) total_min: Option<i64>,
    pub(crate) total_max: Option<i64>,
    pub(crate) created_after: Option<Timestamp>,
    pub(crate) created_before: Option<Timestamp>,
}

/// Items with the prices that hold, and what they come to.
struct Priced {
    products: Vec<String>,
    quantities: Vec<i32>,
    prices: Vec<i64>,
    total: i64,
    currency: String,
}

/// One page, and how many there are in all.
pub(crate) async fn list(
    client: &mut Client<'_>,
    filter: &Filter,
    order_by: &str,
    page: Page,
) -> Result<(Vec<Order>, u64), Refusal> {
    let Filter {
        statuses,
        customers,
        total_min,
        total_max,
        created_after,
        created_before,
    } = filter;
    let total: i64 = client
        .query_one(
            COUNT,
            &[
                statuses,
                customers,
                total_min,
                total_max,
                created_after,
                created_before,
            ],
        )
        .await?
        .try_get(0)?;
    let rows = client
        .query_dynamic(
            &format!("{LIST}{order_by} LIMIT $7 OFFSET $8"),
            &[
                statuses,
                customers,
                total_min,
                total_max,
                created_after,
                created_before,
                &page.limit(),
                &page.offset(),
            ],
        )
        .await?;
    let orders = rows.iter().map(order).collect::<Result<_, _>>()?;
    Ok((orders, total.unsigned_abs()))
}

pub(crate) async fn read(client: &mut Client<'_>, id: &str) -> Result<Order, Refusal> {
    exists(id)?;
    one(client.query_opt(READ, &[&id]).await?)
}

pub(crate) async fn create(
    client: &mut Client<'_>,
    new: OrderChange,
    consumer: Option<&str>,
) -> Result<Order, Refusal> {
    let id = ORDER.next();
    let mut transaction = client.transaction().await?;
    let priced = price(&mut transaction, &new).await?;
    let priced = priced.ok_or_else(Refusal::internal)?;
    transaction
        .execute(
            CREATE,
            &[
                &id,
                &new.customer_id,
                &priced.total,
                &priced.currency,
                &new.shipping_address.flatten().map(Json),
                &new.note.flatten(),
                &consumer,
            ],
        )
        .await?;
    add_items(&mut transaction, &id, &priced).await?;
    commit(transaction, &id).await
}

pub(crate) async fn change(
    client: &mut Client<'_>,
    id: &str,
    change: OrderChange,
) -> Result<Order, Refusal> {
    exists(id)?;
    let mut transaction = client.transaction().await?;
    let row = transaction
        .query_opt("SELECT status FROM orders WHERE id = $1 FOR UPDATE", &[&id])
        .await?
        .ok_or_else(|| Refusal::not_found("order"))?;
    let status: String = row.try_get(0)?;
    if status != CHANGEABLE {
        let message = format!("an order that is {status} cannot be changed any more");
        return Err(Refusal::conflict("order_not_pending", message).with("status", status));
    }
    let priced = price(&mut transaction, &change).await?;
    let total = priced.as_ref().map(|priced| priced.total);
    let currency = priced.as_ref().map(|priced| &priced.currency);
    let (says_address, says_note) = (change.shipping_address.is_some(), change.note.is_some());
    transaction
        .execute(
            CHANGE,
            &[
                &id,
                &change.customer_id,
                &total,
                &currency,
                &says_address,
                &change.shipping_address.flatten().map(Json),
                &says_note,
                &change.note.flatten(),
            ],
        )
        .await?;
    if let Some(priced) = priced {
        transaction
            .execute("DELETE FROM order_items WHERE order_id = $1", &[&id])
            .await?;
        add_items(&mut transaction, id, &priced).await?;
    }
    commit(transaction, id).await
}

pub(crate) async fn change_status(
    client: &mut Client<'_>,
    id: &str,
    status: &str,
) -> Result<Order, Refusal> {
    exists(id)?;
    let changed = client
        .execute(
            CHANGE_STATUS,
            &[&id, &status, &(status == CANCELLED), &before(status)],
        )
        .await?;
    let order = read(client, id).await?;
    if changed == 0 && order.status != status {
        let from = order.status;
        let message = format!("an order that is {from} cannot become {status}");
        return Err(Refusal::conflict("status_conflict", message).with("status", from));
    }
    Ok(order)
}

/// Looks up what the change names; all that does not exist or cannot be ordered is one refusal.
/// `None` when it names no items.
async fn price(
    transaction: &mut Transaction<'_>,
    change: &OrderChange,
) -> Result<Option<Priced>, Refusal> {
    let mut found = Found::default();
    if let Some(customer) = &change.customer_id {
        let row = transaction
            .query_opt("SELECT FROM customers WHERE id = $1", &[customer])
            .await?;
        if row.is_none() {
            found.add("/customerId", "names no customer");
        }
    }
    let Some(items) = &change.items else {
        return found.or(Some(None)).map_err(Refusal::invalid);
    };
    let ids: Vec<_> = items.iter().map(|item| &item.product_id).collect();
    // Locked, so that the price and the status that we judge are those at the commit.
    let rows = transaction
        .query(
            "SELECT id, price, currency, status FROM products WHERE id = ANY ($1) \
             ORDER BY id FOR SHARE",
            &[&ids],
        )
        .await?;
    let mut known = HashMap::new();
    for row in &rows {
        let offer = Offer {
            price: Money::from_hundredths(row.try_get(1)?),
            currency: row.try_get(2)?,
            active: row.try_get::<_, &str>(3)? == "active",
        };
        known.insert(row.try_get::<_, &str>(0)?, offer);
    }
    let priced = sum(items, &known, &mut found);
    found.or(Some(Some(priced))).map_err(Refusal::invalid)
}

/// A product, as far as an order is concerned.
struct Offer<'a> {
    price: Money,
    currency: &'a str,
    active: bool,
}

fn sum(items: &[ItemInput], known: &HashMap<&str, Offer<'_>>, found: &mut Found) -> Priced {
    let mut priced = Priced {
        products: Vec::new(),
        quantities: Vec::new(),
        prices: Vec::new(),
        total: 0,
        currency: String::new(),
    };
    for (at, item) in items.iter().enumerate() {
        let product = format!("/items/{at}/productId");
        let Some(offer) = known.get(item.product_id.as_str()) else {
            found.add(product, "names no product");
            continue;
        };
        if !offer.active {
            found.add(&product, "names a product that is archived");
        }
        if priced.currency.is_empty() {
            offer.currency.clone_into(&mut priced.currency);
        } else if priced.currency != offer.currency {
            let message = format!("costs {}, another item {}", offer.currency, priced.currency);
            found.add(product, message);
        }
        if item.price.is_some_and(|price| price != offer.price) {
            let message = format!("is not the product's price, {}", offer.price);
            found.add(format!("/items/{at}/price"), message);
        }
        priced.products.push(item.product_id.clone());
        // `limits` holds both within bounds, and their product within an i64.
        priced.quantities.push(item.quantity as i32);
        priced.prices.push(offer.price.hundredths());
        priced.total += item.quantity * offer.price.hundredths();
    }
    priced
}

async fn add_items(
    transaction: &mut Transaction<'_>,
    id: &str,
    priced: &Priced,
) -> Result<(), Refusal> {
    transaction
        .execute(
            ADD_ITEMS,
            &[&id, &priced.products, &priced.quantities, &priced.prices],
        )
        .await?;
    Ok(())
}

/// Reads the order back and makes it so.
async fn commit(mut transaction: Transaction<'_>, id: &str) -> Result<Order, Refusal> {
    let order = one(transaction.query_opt(READ, &[&id]).await?)?;
    transaction.commit().await?;
    Ok(order)
}

/// What cannot be an id of ours needs no question to the database.
fn exists(id: &str) -> Result<(), Refusal> {
    match ORDER.fits(id) {
        true => Ok(()),
        false => Err(Refusal::not_found("order")),
    }
}

fn one(row: Option<Row>) -> Result<Order, Refusal> {
    let row = row.ok_or_else(|| Refusal::not_found("order"))?;
    Ok(order(&row)?)
}

fn order(row: &Row) -> Result<Order, tokio_postgres::Error> {
    #[derive(Deserialize)]
    struct Kept {
        product: String,
        quantity: i64,
        price: i64,
    }
    let Json(items): Json<Vec<Kept>> = row.try_get("items")?;
    let item = |kept: Kept| Item {
        product_id: kept.product,
        quantity: kept.quantity,
        price: Money::from_hundredths(kept.price),
    };
    let address: Option<Json<_>> = row.try_get("shipping_address")?;
    Ok(Order {
        id: row.try_get("id")?,
        customer_id: row.try_get("customer_id")?,
        status: row.try_get("status")?,
        items: items.into_iter().map(item).collect(),
        total: Money::from_hundredths(row.try_get("total")?),
        currency: row.try_get("currency")?,
        shipping_address: address.map(|Json(address)| address),
        note: row.try_get("note")?,
        created_by: row.try_get("created_by")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        cancelled_at: row.try_get("cancelled_at")?,
    })
}
