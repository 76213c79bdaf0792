//! Orders over HTTP.

use axum::extract::State;
use database::Database;

use super::input::{OrderChange, read_status};
use super::status::{CANCELLED, STATUSES};
use super::{PATH, store};
use crate::app::{Consumer, PathId};
use crate::body::{Json, NoBody};
use crate::envelope::{Refusal, Success};
use crate::page::Page;
use crate::parameters::{NoParameters, Parameters, among, amount, moment, texts};
use crate::sort::{self, SortField};

const FIELDS: &[&str] = &[
    "id",
    "customerId",
    "status",
    "items",
    "total",
    "currency",
    "shippingAddress",
    "note",
    "createdBy",
    "createdAt",
    "updatedAt",
    "cancelledAt",
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
        name: "total",
        ascending: "total ASC",
        descending: "total DESC",
    },
    SortField {
        name: "status",
        ascending: "status ASC",
        descending: "status DESC",
    },
];

/// `GET /api/v1/orders`
pub(crate) async fn list(
    State(database): State<Database>,
    mut parameters: Parameters,
) -> Result<Success, Refusal> {
    let page = Page::take(&mut parameters);
    let order = sort::take(&mut parameters, SORT, "created_at DESC", "id DESC");
    let fields = sort::take_fields(&mut parameters, FIELDS);
    let filter = store::Filter {
        statuses: parameters.take("status", among(STATUSES)),
        customers: parameters.take("customerId", texts),
        total_min: parameters.take("totalMin", amount),
        total_max: parameters.take("totalMax", amount),
        created_after: parameters.take("createdAfter", moment),
        created_before: parameters.take("createdBefore", moment),
    };
    let others = parameters.finish()?;
    let mut client = database.client().await?;
    let (orders, total) = store::list(&mut client, &filter, &order, page).await?;
    let data = orders
        .iter()
        .map(|order| sort::shown(order, fields.as_deref()))
        .collect::<Result<Vec<_>, _>>()?;
    Success::page(&data, page.place(PATH, &others, total))
}

/// `GET /api/v1/orders/{id}`
pub(crate) async fn read(
    State(database): State<Database>,
    PathId(id): PathId,
    _: NoParameters,
) -> Result<Success, Refusal> {
    let mut client = database.client().await?;
    Success::of(&store::read(&mut client, &id).await?)
}

/// `POST /api/v1/orders`
pub(crate) async fn create(
    State(database): State<Database>,
    Consumer(consumer): Consumer,
    _: NoParameters,
    Json(body): Json,
) -> Result<Success, Refusal> {
    let new = OrderChange::read_whole(&body)?;
    let mut client = database.client().await?;
    let order = store::create(&mut client, new, consumer.as_deref()).await?;
    Success::created(&order, &format!("{PATH}/{}", order.id))
}

/// `PUT /api/v1/orders/{id}`
pub(crate) async fn replace(
    State(database): State<Database>,
    PathId(id): PathId,
    _: NoParameters,
    Json(body): Json,
) -> Result<Success, Refusal> {
    let change = OrderChange::read_whole(&body)?;
    let mut client = database.client().await?;
    Success::of(&store::change(&mut client, &id, change).await?)
}

/// `PATCH /api/v1/orders/{id}`
pub(crate) async fn change(
    State(database): State<Database>,
    PathId(id): PathId,
    _: NoParameters,
    Json(body): Json,
) -> Result<Success, Refusal> {
    let change = OrderChange::read_some(&body)?;
    let mut client = database.client().await?;
    Success::of(&store::change(&mut client, &id, change).await?)
}

/// `PATCH /api/v1/orders/{id}/status`; to the status that it has changes nothing.
pub(crate) async fn change_status(
    State(database): State<Database>,
    PathId(id): PathId,
    _: NoParameters,
    Json(body): Json,
) -> Result<Success, Refusal> {
    let status = read_status(&body)?;
    let mut client = database.client().await?;
    Success::of(&store::change_status(&mut client, &id, status).await?)
}

/// `DELETE /api/v1/orders/{id}`: cancels it; a second time changes nothing.
pub(crate) async fn cancel(
    State(database): State<Database>,
    PathId(id): PathId,
    _: NoParameters,
    _: NoBody,
) -> Result<Success, Refusal> {
    let mut client = database.client().await?;
    Success::of(&store::change_status(&mut client, &id, CANCELLED).await?)
}
