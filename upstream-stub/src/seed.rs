//! Sample rows: the same at every run, and only those that are missing. What was changed since stays.
//!
//! 60 products `prod_401` to `prod_460`, 30 customers `cust_101` to `cust_130`, 120 orders
//! `order_701` to `order_820`. The documents' own example works as printed: `cust_123` orders two of
//! `prod_456` at 29.99, as `order_789` has done.

use database::types::Json;
use database::{Database, Transaction};
use jiff::{SignedDuration, Timestamp};

use crate::Error;

const PRODUCTS: i64 = 60;
const CUSTOMERS: i64 = 30;
const ORDERS: i64 = 120;

/// 2026-01-01T00:00:00Z, when the first of everything was made.
const BEGIN: Timestamp = Timestamp::constant(1_767_225_600, 0);

const CATEGORIES: [&str; 4] = ["electronics", "books", "kitchen", "garden"];
const THINGS: [&str; 12] = [
    "Lamp",
    "Kettle",
    "Notebook",
    "Radio",
    "Spade",
    "Atlas",
    "Toaster",
    "Charger",
    "Watering Can",
    "Novel",
    "Skillet",
    "Headphones",
];
const KINDS: [&str; 5] = ["Plain", "Small", "Large", "Travel", "Classic"];
const STATUSES: [&str; 5] = ["pending", "processing", "shipped", "delivered", "cancelled"];

/// Writes the sample rows that are missing. May be called at every start.
///
/// # Errors
/// [`Error::Seed`] when the database is away or refuses; then nothing was written.
pub async fn seed(database: &Database) -> Result<(), Error> {
    write(database).await.map_err(Error::Seed)
}

async fn write(database: &Database) -> Result<(), database::Error> {
    let mut client = database.client().await?;
    let mut transaction = client.transaction().await?;
    products(&mut transaction).await?;
    customers(&mut transaction).await?;
    orders(&mut transaction).await?;
    transaction.commit().await
}

async fn products(transaction: &mut Transaction<'_>) -> Result<(), database::Error> {
    let each = 0..PRODUCTS;
    let ids: Vec<_> = each.clone().map(product_id).collect();
    let skus: Vec<_> = each.clone().map(|n| format!("SKU-{}", 401 + n)).collect();
    let names: Vec<_> = each.clone().map(name).collect();
    let categories: Vec<_> = each.clone().map(|n| pick(&CATEGORIES, n)).collect();
    let prices: Vec<_> = each.clone().map(price).collect();
    let times: Vec<_> = each.map(time).collect();
    transaction
        .execute(
            "INSERT INTO products \
             (id, sku, name, category, price, currency, created_at, updated_at) \
             SELECT id, sku, name, category, price, 'USD', made, made \
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], \
             $6::timestamptz[]) AS new (id, sku, name, category, price, made) \
             ON CONFLICT DO NOTHING",
            &[&ids, &skus, &names, &categories, &prices, &times],
        )
        .await?;
    Ok(())
}

async fn customers(transaction: &mut Transaction<'_>) -> Result<(), database::Error> {
    let each = 0..CUSTOMERS;
    let ids: Vec<_> = each.clone().map(customer_id).collect();
    let names: Vec<_> = each
        .clone()
        .map(|n| format!("Customer {}", 101 + n))
        .collect();
    let emails: Vec<_> = each
        .clone()
        .map(|n| format!("customer{}@example.com", 101 + n))
        .collect();
    let times: Vec<_> = each.map(time).collect();
    transaction
        .execute(
            "INSERT INTO customers (id, name, email, created_at) \
             SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) \
             ON CONFLICT DO NOTHING",
            &[&ids, &names, &emails, &times],
        )
        .await?;
    Ok(())
}

/// Items come only with the orders that this run has made: those of an order that was changed since
/// are no business of ours.
async fn orders(transaction: &mut Transaction<'_>) -> Result<(), database::Error> {
    let each = 0..ORDERS;
    let ids: Vec<_> = each.clone().map(|n| format!("order_{}", 701 + n)).collect();
    let customers: Vec<_> = each
        .clone()
        .map(|n| customer_id((n + 24) % CUSTOMERS))
        .collect();
    let statuses: Vec<_> = each
        .clone()
        .map(|n| {
            if n == 88 {
                "pending"
            } else {
                pick(&STATUSES, n)
            }
        })
        .collect();
    let totals: Vec<_> = each
        .clone()
        .map(|n| {
            let cost = |(product, quantity)| price(product) * i64::from(quantity);
            items(n).into_iter().map(cost).sum::<i64>()
        })
        .collect();
    let times: Vec<_> = each.map(|n| time(PRODUCTS + n)).collect();
    let address = Json(serde_json::json!({
        "street": "123 Main St", "city": "New York", "state": "NY", "zip": "10001", "country": "US",
    }));
    let made = transaction
        .query(
            "INSERT INTO orders (id, customer_id, status, total, currency, shipping_address, \
             created_at, updated_at, cancelled_at) \
             SELECT id, customer, status, total, 'USD', $6, made, made, \
             CASE WHEN status = 'cancelled' THEN made END \
             FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[]) \
             AS new (id, customer, status, total, made) \
             ON CONFLICT DO NOTHING RETURNING id",
            &[&ids, &customers, &statuses, &totals, &times, &address],
        )
        .await?;
    let (mut owners, mut positions) = (Vec::new(), Vec::new());
    let (mut products, mut quantities, mut prices) = (Vec::new(), Vec::new(), Vec::new());
    for row in &made {
        let id: String = row.try_get(0)?;
        let Some(n) = ids.iter().position(|other| *other == id) else {
            continue;
        };
        for (position, (product, quantity)) in (1_i32..).zip(items(n as i64)) {
            owners.push(id.clone());
            positions.push(position);
            products.push(product_id(product));
            quantities.push(quantity);
            prices.push(price(product));
        }
    }
    transaction
        .execute(
            "INSERT INTO order_items (order_id, position, product_id, quantity, price) \
             SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::int[], $5::bigint[])",
            &[&owners, &positions, &products, &quantities, &prices],
        )
        .await?;
    Ok(())
}

fn product_id(n: i64) -> String {
    format!("prod_{}", 401 + n)
}

fn customer_id(n: i64) -> String {
    format!("cust_{}", 101 + n)
}

fn name(n: i64) -> String {
    let kind = KINDS[(n / THINGS.len() as i64) as usize % KINDS.len()];
    format!("{kind} {}", pick(&THINGS, n))
}

/// In hundredths; `prod_456` costs the 29.99 of the documents' example.
fn price(n: i64) -> i64 {
    match n {
        55 => 2999,
        _ => 499 + (n * 1373) % 19_500,
    }
}

fn time(n: i64) -> Timestamp {
    BEGIN + SignedDuration::from_hours(n)
}

/// The products of the nth order and how many of each; the 89th is the documents' `order_789`.
fn items(n: i64) -> Vec<(i64, i32)> {
    match n {
        88 => vec![(55, 2)],
        _ => (0..=n % 3)
            .map(|k| ((n * 7 + k * 11) % PRODUCTS, 1 + ((n + k) % 4) as i32))
            .collect(),
    }
}

fn pick<'a>(list: &[&'a str], n: i64) -> &'a str {
    list[n as usize % list.len()]
}
