//! Products over HTTP.

use axum::extract::State;
use database::Database;

use super::input::{NewProduct, ProductChange};
use super::{PATH, STATUSES, store};
use crate::app::PathId;
use crate::body::{Json, NoBody};
use crate::envelope::{Refusal, Success};
use crate::page::Page;
use crate::parameters::{NoParameters, Parameters, among, amount, moment, search, texts};
use crate::sort::{self, SortField};

const FIELDS: &[&str] = &[
    "id",
    "sku",
    "name",
    "description",
    "category",
    "price",
    "currency",
    "status",
    "createdAt",
    "updatedAt",
];

const SORT: &[SortField] = &[
    SortField {
        name: "createdAt",
        ascending: "created_at ASC",
        descending: "created_at DESC",
    },
    SortField {
        name: "updatedAt",
        ascending: "updated_at ASC",
        descending: "updated_at DESC",
    },
    SortField {
        name: "name",
        ascending: "name ASC",
        descending: "name DESC",
    },
    SortField {
        name: "price",
        ascending: "price ASC",
        descending: "price DESC",
    },
    SortField {
        name: "sku",
        ascending: "sku ASC",
        descending: "sku DESC",
    },
];

/// `GET /api/v1/products`
pub(crate) async fn list(
    State(database): State<Database>,
    mut parameters: Parameters,
) -> Result<Success, Refusal> {
    let page = Page::take(&mut parameters);
    let order = sort::take(&mut parameters, SORT, "created_at DESC", "id DESC");
    let fields = sort::take_fields(&mut parameters, FIELDS);
    let filter = store::Filter {
        statuses: parameters.take("status", among(STATUSES)),
        categories: parameters.take("category", texts),
        search: parameters.take("search", search),
        price_min: parameters.take("priceMin", amount),
        price_max: parameters.take("priceMax", amount),
        created_after: parameters.take("createdAfter", moment),
        created_before: parameters.take("createdBefore", moment),
    };
    let others = parameters.finish()?;
    let mut client = database.client().await?;
    let (products, total) = store::list(&mut client, &filter, &order, page).await?;
    let data = products
        .iter()
        .map(|product| sort::shown(product, fields.as_deref()))
        .collect::<Result<Vec<_>, _>>()?;
    Success::page(&data, page.place(PATH, &others, total))
}

/// `GET /api/v1/products/{id}`
pub(crate) async fn read(
    State(database): State<Database>,
    PathId(id): PathId,
    _: NoParameters,
) -> Result<Success, Refusal> {
    let mut client = database.client().await?;
    Success::of(&store::read(&mut client, &id).await?)
}

/// `POST /api/v1/products`
pub(crate) async fn create(
    State(database): State<Database>,
    _: NoParameters,
    Json(body): Json,
) -> Result<Success, Refusal> {
    let new = NewProduct::read(&body)?;
    let mut client = database.client().await?;
    let product = store::create(&mut client, &new).await?;
    Success::created(&product, &format!("{PATH}/{}", product.id))
}

/// `PUT /api/v1/products/{id}`
pub(crate) async fn replace(
    State(database): State<Database>,
    PathId(id): PathId,
    _: NoParameters,
    Json(body): Json,
) -> Result<Success, Refusal> {
    let change = NewProduct::read(&body)?.into();
    let mut client = database.client().await?;
    Success::of(&store::change(&mut client, &id, &change).await?)
}

/// `PATCH /api/v1/products/{id}`
pub(crate) async fn change(
    State(database): State<Database>,
    PathId(id): PathId,
    _: NoParameters,
    Json(body): Json,
) -> Result<Success, Refusal> {
    let change = ProductChange::read(&body)?;
    let mut client = database.client().await?;
    Success::of(&store::change(&mut client, &id, &change).await?)
}

/// `DELETE /api/v1/products/{id}`; a second time changes nothing.
pub(crate) async fn archive(
    State(database): State<Database>,
    PathId(id): PathId,
    _: NoParameters,
    _: NoBody,
) -> Result<Success, Refusal> {
    let mut client = database.client().await?;
    Success::of(&store::archive(&mut client, &id).await?)
}
