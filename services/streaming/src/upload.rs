//! `/upload`: a body read to its end, however long.

use actix_web::{Result, post, web};
use futures_util::StreamExt;
use serde::Serialize;

/// What arrived, so that the sender can tell whether all of it did.
#[derive(Serialize)]
struct Received {
    bytes: u64,
    crc32: String,
}

/// Reads a body to its end, and says what arrived.
// `web::Payload` is the body as it arrives: memory stays flat, however long the upload.
#[post("/upload")]
pub(crate) async fn upload(mut body: web::Payload) -> Result<web::Json<Received>> {
    let mut bytes = 0;
    let mut crc32 = crc32fast::Hasher::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        bytes += chunk.len() as u64;
        crc32.update(&chunk);
    }
    Ok(web::Json(Received {
        bytes,
        crc32: format!("{:08x}", crc32.finalize()),
    }))
}
