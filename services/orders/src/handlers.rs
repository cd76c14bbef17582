//! What clients ask for.

use actix_web::{HttpResponse, get, post, web};
use serde::Deserialize;

use crate::{
    metrics::Metrics,
    problem::Problem,
    store::{NewOrder, Order, Store},
};

/// The most that one order can be for.
const MOST: i64 = 1_000;

/// The most orders in one answer.
const PAGE: i64 = 100;

/// Accepts an order. The answer means that it is written; it is fulfilled later.
#[post("/orders")]
pub(crate) async fn accept(
    store: web::Data<Store>,
    metrics: web::Data<Metrics>,
    order: web::Json<NewOrder>,
) -> Result<HttpResponse, Problem> {
    let order = store.accept(valid(order.into_inner())?).await?;
    metrics.accepted.inc();
    let location = format!("/orders/{}", order.id);
    Ok(HttpResponse::Created()
        .insert_header(("location", location))
        .json(order))
}

fn valid(order: NewOrder) -> Result<NewOrder, Problem> {
    let invalid = |field, value: &dyn ToString, allowed| {
        let value = value.to_string();
        Err(Problem::Invalid {
            field,
            value,
            allowed,
        })
    };
    if !(1..=100).contains(&order.item.chars().count()) {
        return invalid(
            "item",
            &format!("{:?}", order.item),
            "must have 1 to 100 characters",
        );
    }
    if !(1..=MOST).contains(&order.quantity) {
        return invalid("quantity", &order.quantity, "must be 1 to 1000");
    }
    Ok(order)
}

/// One order.
#[get("/orders/{id}")]
pub(crate) async fn find(
    store: web::Data<Store>,
    id: web::Path<String>,
) -> Result<web::Json<Order>, Problem> {
    let found = store.find(&id).await?;
    let found = found.ok_or_else(|| Problem::NoSuchOrder(id.into_inner()))?;
    Ok(web::Json(found))
}

/// Which orders are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// Those behind this one; without it, from the first on.
    #[serde(default)]
    after: String,
}

/// Orders in the order of their acceptance, a page at a time.
#[get("/orders")]
pub(crate) async fn list(
    store: web::Data<Store>,
    page: web::Query<Page>,
) -> Result<web::Json<Vec<Order>>, Problem> {
    Ok(web::Json(store.list(&page.after, PAGE).await?))
}
