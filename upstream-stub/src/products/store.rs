//! Products in PostgreSQL. Every statement is one transaction of its own: once it has answered, what
//! it did stays.

use database::{Client, Row};
use jiff::Timestamp;

use super::Product;
use super::input::{NewProduct, ProductChange};
use crate::envelope::Refusal;
use crate::id::PRODUCT;
use crate::money::Money;
use crate::page::Page;

macro_rules! columns {
    () => {
        "id, sku, name, description, category, price, currency, status, created_at, updated_at"
    };
}

macro_rules! matching {
    () => {
        "FROM products WHERE ($1::text[] IS NULL OR status = ANY ($1)) \
         AND ($2::text[] IS NULL OR category = ANY ($2)) \
         AND ($3::text IS NULL OR position(lower($3) IN lower(name)) > 0) \
         AND ($4::bigint IS NULL OR price >= $4) AND ($5::bigint IS NULL OR price <= $5) \
         AND ($6::timestamptz IS NULL OR created_at >= $6) \
         AND ($7::timestamptz IS NULL OR created_at < $7)"
    };
}

const READ: &str = concat!("SELECT ", columns!(), " FROM products WHERE id = $1");

const COUNT: &str = concat!("SELECT count(*) ", matching!());

const LIST: &str = concat!("SELECT ", columns!(), " ", matching!(), " ORDER BY ");

const CREATE: &str = concat!(
    "INSERT INTO products (id, sku, name, description, category, price, currency, status) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ",
    columns!()
);

const CHANGE: &str = concat!(
    "UPDATE products SET sku = COALESCE($2, sku), name = COALESCE($3, name), \
     description = CASE WHEN $4 THEN $5 ELSE description END, category = COALESCE($6, category), \
     price = COALESCE($7, price), currency = COALESCE($8, currency), \
     status = COALESCE($9, status), updated_at = now() WHERE id = $1 RETURNING ",
    columns!()
);

const ARCHIVE: &str = concat!(
    "UPDATE products SET status = 'archived', \
     updated_at = CASE WHEN status = 'archived' THEN updated_at ELSE now() END \
     WHERE id = $1 RETURNING ",
    columns!()
);

/// Which products a list has.
pub(crate) struct Filter {
    pub(crate) statuses: Option<Vec<String>>,
    pub(crate) categories: Option<Vec<String>>,
    pub(crate) search: Option<String>,
    pub(crate) price_min: Option<i64>,
    pub(crate) price_max: Option<i64>,
    pub(crate) created_after: Option<Timestamp>,
    pub(crate) created_before: Option<Timestamp>,
}

/// One page, and how many there are in all.
pub(crate) async fn list(
    client: &mut Client<'_>,
    filter: &Filter,
    order: &str,
    page: Page,
) -> Result<(Vec<Product>, u64), Refusal> {
    let Filter {
        statuses,
        categories,
        search,
        price_min,
        price_max,
        created_after,
        created_before,
    } = filter;
    let total: i64 = client
        .query_one(
            COUNT,
            &[
                statuses,
                categories,
                search,
                price_min,
                price_max,
                created_after,
                created_before,
            ],
        )
        .await?
        .try_get(0)?;
    let rows = client
        .query_dynamic(
            &format!("{LIST}{order} LIMIT $8 OFFSET $9"),
            &[
                statuses,
                categories,
                search,
                price_min,
                price_max,
                created_after,
                created_before,
                &page.limit(),
                &page.offset(),
            ],
        )
        .await?;
    let products = rows.iter().map(product).collect::<Result<_, _>>()?;
    Ok((products, total.unsigned_abs()))
}

pub(crate) async fn read(client: &mut Client<'_>, id: &str) -> Result<Product, Refusal> {
    exists(id)?;
    one(client.query_opt(READ, &[&id]).await?)
}

pub(crate) async fn create(client: &mut Client<'_>, new: &NewProduct) -> Result<Product, Refusal> {
    let row = client
        .query_one(
            CREATE,
            &[
                &PRODUCT.next(),
                &new.sku,
                &new.name,
                &new.description,
                &new.category,
                &new.price.hundredths(),
                &new.currency,
                &new.status,
            ],
        )
        .await
        .map_err(sku_taken)?;
    Ok(product(&row)?)
}

pub(crate) async fn change(
    client: &mut Client<'_>,
    id: &str,
    change: &ProductChange,
) -> Result<Product, Refusal> {
    exists(id)?;
    let row = client
        .query_opt(
            CHANGE,
            &[
                &id,
                &change.sku,
                &change.name,
                &change.description.is_some(),
                &change.description.as_ref().and_then(Option::as_ref),
                &change.category,
                &change.price.map(Money::hundredths),
                &change.currency,
                &change.status,
            ],
        )
        .await
        .map_err(sku_taken)?;
    one(row)
}

pub(crate) async fn archive(client: &mut Client<'_>, id: &str) -> Result<Product, Refusal> {
    exists(id)?;
    one(client.query_opt(ARCHIVE, &[&id]).await?)
}

/// What cannot be an id of ours needs no question to the database.
fn exists(id: &str) -> Result<(), Refusal> {
    match PRODUCT.fits(id) {
        true => Ok(()),
        false => Err(Refusal::not_found("product")),
    }
}

fn one(row: Option<Row>) -> Result<Product, Refusal> {
    let row = row.ok_or_else(|| Refusal::not_found("product"))?;
    Ok(product(&row)?)
}

fn sku_taken(error: database::Error) -> Refusal {
    match &error {
        database::Error::Conflict { constraint, .. } if constraint == "products_sku" => {
            Refusal::conflict("sku_taken", "another product has this sku".to_owned())
                .with("pointer", "/sku")
        }
        _ => error.into(),
    }
}

fn product(row: &Row) -> Result<Product, tokio_postgres::Error> {
    Ok(Product {
        id: row.try_get("id")?,
        sku: row.try_get("sku")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        category: row.try_get("category")?,
        price: Money::from_hundredths(row.try_get("price")?),
        currency: row.try_get("currency")?,
        status: row.try_get("status")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}
