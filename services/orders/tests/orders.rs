//! What `orders` answers, and what it leaves behind when it is replaced.

use std::{path::PathBuf, time::Duration};

use actix_web::{App, rt::time::sleep};
use awc::Client;
use lastcall::{Secret, test::TestService};
use orders::{
    Settings, State,
    store::{Order, Store},
};
use serde_json::{Value, json};

/// A database of a test's own, which goes with it.
struct Database(PathBuf);

impl Database {
    fn new() -> Self {
        let name = format!("orders-{}.db", uuid::Uuid::now_v7());
        Self(std::env::temp_dir().join(name))
    }

    fn settings(&self) -> Settings {
        let database = format!("sqlite:{}?mode=rwc", self.0.display());
        Settings {
            database: Secret::new(database),
            ..Settings::default()
        }
    }

    /// The orders in it, whoever serves them.
    async fn orders(&self) -> Vec<Order> {
        let settings = self.settings();
        let store = Store::open(settings.database.reveal(), 1)
            .await
            .expect("a database");
        store.list("", 1_000).await.expect("a list")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.0.display()));
        }
    }
}

async fn start(settings: Settings) -> TestService {
    let app = |_: &Settings, state: &State| App::new().configure(orders::routes(state));
    orders::service(lastcall::service!())
        .test(lastcall::Settings::new(settings), app)
        .await
}

/// The status, the content type and the JSON of an answer.
async fn post(service: &TestService, order: &str) -> (u16, String, Value) {
    let request = Client::default().post(service.url("/orders"));
    let request = request.insert_header(("content-type", "application/json"));
    let mut answer = request
        .send_body(order.to_owned())
        .await
        .expect("an answer");
    let content_type = answer
        .headers()
        .get("content-type")
        .expect("a content type");
    let content_type = String::from_utf8_lossy(content_type.as_bytes()).into_owned();
    let body = answer.body().await.expect("a body");
    let json = serde_json::from_slice(&body).expect("JSON");
    (answer.status().as_u16(), content_type, json)
}

async fn get(service: &TestService, path: &str) -> (u16, Value) {
    let mut answer = Client::default()
        .get(service.url(path))
        .send()
        .await
        .expect("an answer");
    let body = answer.body().await.expect("a body");
    (
        answer.status().as_u16(),
        serde_json::from_slice(&body).expect("JSON"),
    )
}

#[actix_web::test]
async fn an_order_is_accepted_found_listed_and_fulfilled() {
    let database = Database::new();
    let service = start(database.settings()).await;
    let (status, content_type, order) = post(&service, r#"{"item":"tea","quantity":2}"#).await;
    assert_eq!((status, content_type.as_str()), (201, "application/json"));
    let path = format!("/orders/{}", order["id"].as_str().expect("an id"));
    let fulfilled = loop {
        let (status, found) = get(&service, &path).await;
        assert_eq!(status, 200);
        if found["state"] == "fulfilled" {
            break found;
        }
        sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(fulfilled["item"], "tea");
    assert_eq!(get(&service, "/orders").await.1, json!([fulfilled]));
    let behind = format!("/orders?after={}", fulfilled["id"].as_str().expect("an id"));
    assert_eq!(get(&service, &behind).await.1, json!([]));
    let metrics = Client::default()
        .get(service.admin_url("/metrics"))
        .send()
        .await;
    let metrics = metrics.expect("metrics").body().await.expect("a body");
    let metrics = String::from_utf8_lossy(&metrics);
    for counted in ["orders_accepted_total 1", "orders_fulfilled_total 1"] {
        assert!(metrics.contains(counted), "{metrics}");
    }
    assert_eq!(service.drain().await.exit, Some(0));
}

#[actix_web::test]
async fn what_is_wrong_is_told_as_problem_details() {
    let database = Database::new();
    let service = start(database.settings()).await;
    let long = format!(r#"{{"item":"{}","quantity":1}}"#, "x".repeat(101));
    for (order, status, detail) in [
        (
            r#"{"item":"tea","quantity":0}"#,
            422,
            "quantity = 0: must be 1 to 1000",
        ),
        (
            r#"{"item":"","quantity":1}"#,
            422,
            "item = \"\": must have 1 to 100 characters",
        ),
        (long.as_str(), 422, "must have 1 to 100 characters"),
        (r#"{"item":"tea"}"#, 400, "missing field `quantity`"),
        (
            r#"{"item":"tea","quantity":1,"colour":"red"}"#,
            400,
            "unknown field `colour`",
        ),
        ("tea", 400, "expected"),
    ] {
        let (seen, content_type, problem) = post(&service, order).await;
        assert_eq!(
            (seen, content_type.as_str()),
            (status, "application/problem+json"),
            "{order}"
        );
        assert_eq!(problem["status"], status);
        let told = problem["detail"].as_str().expect("a detail");
        assert!(told.contains(detail), "{told}");
    }
    let (status, problem) = get(&service, "/orders/none").await;
    assert_eq!(
        (status, &problem["type"]),
        (404, &json!("/problems/no-such-order"))
    );
    assert_eq!(get(&service, "/orders?before=1").await.0, 400);
    assert_eq!(database.orders().await, [], "nothing was written");
}

#[actix_web::test]
async fn the_drain_finishes_the_order_at_hand_and_leaves_the_others_to_the_next() {
    let database = Database::new();
    let settings = Settings {
        fulfilment: Duration::from_millis(200),
        ..database.settings()
    };
    let service = start(settings).await;
    for _ in 0..5 {
        assert_eq!(
            post(&service, r#"{"item":"tea","quantity":1}"#).await.0,
            201
        );
    }
    while !database
        .orders()
        .await
        .iter()
        .any(|order| order.state == "claimed")
    {
        sleep(Duration::from_millis(5)).await;
    }
    let report = service.drain().await;
    assert_eq!((report.background_finished, report.exit), (1, Some(0)));
    let states = |orders: Vec<Order>| orders.into_iter().map(|order| order.state);
    let left: Vec<_> = states(database.orders().await).collect();
    assert!(left.iter().any(|state| state == "fulfilled"), "{left:?}");
    assert!(left.iter().any(|state| state == "accepted"), "{left:?}");
    assert!(!left.iter().any(|state| state == "claimed"), "{left:?}");
    let next = start(database.settings()).await;
    while !states(database.orders().await).all(|state| state == "fulfilled") {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(next.drain().await.exit, Some(0));
}

#[actix_web::test]
async fn without_its_schema_the_service_says_that_the_database_is_not_available() {
    let database = Database::new();
    let settings = Settings {
        migrate: false,
        ..database.settings()
    };
    let service = start(settings).await;
    let (status, _, problem) = post(&service, r#"{"item":"tea","quantity":1}"#).await;
    assert_eq!(
        (status, &problem["detail"]),
        (503, &json!("the database is not available"))
    );
}

#[actix_web::test]
async fn a_database_that_cannot_be_opened_is_an_error_of_the_start() {
    let settings = Settings {
        database: Secret::new("sqlite:/no/such/folder/orders.db".to_owned()),
        ..Settings::default()
    };
    let settings = lastcall::Settings::new(settings)
        .set("http.address", "127.0.0.1:0")
        .set("admin.address", "127.0.0.1:0");
    let bound = orders::service(lastcall::service!()).bind(settings).await;
    let app = |_: &Settings, state: &State| App::new().configure(orders::routes(state));
    let error = match bound {
        Ok(bound) => bound.serve(app).await.err(),
        Err(error) => Some(error),
    };
    let error = error.expect("it cannot start").to_string();
    assert!(
        error.starts_with("the start hook failed: service.database cannot be opened"),
        "{error}"
    );
}
