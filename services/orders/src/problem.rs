//! Errors as clients see them: problem details (RFC 9457).

use actix_web::{
    HttpResponse, ResponseError,
    error::{JsonPayloadError, PathError, QueryPayloadError},
    http::StatusCode,
    web,
};
use serde::Serialize;

/// What went wrong with a request.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There is no such order.
    #[error("there is no order {0}")]
    NoSuchOrder(String),
    /// A field has a value that it cannot have.
    #[error("{field} = {value}: {allowed}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it can be.
        allowed: &'static str,
    },
    /// The request is not what it should be: its JSON, its path, its query.
    #[error("{detail}")]
    Malformed {
        /// 400, 413 or 415.
        status: StatusCode,
        /// What is wrong with it.
        detail: String,
    },
    /// The database has failed. What it said goes to the log, and not to the client.
    #[error("the database is not available")]
    Database(#[from] sqlx::Error),
}

/// The body: `application/problem+json`.
#[derive(Serialize)]
struct Details<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    detail: String,
}

impl Problem {
    /// Its type, a relative URI, and its title, the same for each of its kind.
    fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::NoSuchOrder(_) => ("/problems/no-such-order", "No such order"),
            Self::Invalid { .. } => ("/problems/invalid", "A field cannot have this value"),
            Self::Malformed { .. } => ("about:blank", "The request is malformed"),
            Self::Database(_) => ("about:blank", "Service unavailable"),
        }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NoSuchOrder(_) => StatusCode::NOT_FOUND,
            Self::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Malformed { status, .. } => *status,
            Self::Database(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::Database(error) = self {
            tracing::error!(%error, "the database has failed");
        }
        let ((kind, title), status) = (self.kind(), self.status_code());
        HttpResponse::build(status)
            .content_type("application/problem+json")
            .json(Details {
                kind,
                title,
                status: status.as_u16(),
                detail: self.to_string(),
            })
    }
}

/// Has actix-web's own extractors answer with problem details, too.
pub(crate) fn extractors(cfg: &mut web::ServiceConfig) {
    cfg.app_data(web::JsonConfig::default().error_handler(|error, _| json(error).into()))
        .app_data(web::PathConfig::default().error_handler(|error, _| path(error).into()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| query(error).into()));
}

fn json(error: JsonPayloadError) -> Problem {
    let status = error.status_code();
    let detail = error.to_string();
    Problem::Malformed { status, detail }
}

fn path(error: PathError) -> Problem {
    let status = StatusCode::NOT_FOUND;
    let detail = error.to_string();
    Problem::Malformed { status, detail }
}

fn query(error: QueryPayloadError) -> Problem {
    let status = StatusCode::BAD_REQUEST;
    let detail = error.to_string();
    Problem::Malformed { status, detail }
}
