//! `/download`: a body as long as the client wants it.

use std::collections::HashMap;

use actix_web::{HttpResponse, Result, error, route, web};

use crate::Set;

/// A body as long as the client wants it.
// Byte `i` of a download is `i % 251`: a prime, so that a block lost or doubled shows.
#[route("/download", method = "GET", method = "HEAD")]
pub(crate) async fn download(
    set: Set,
    query: web::Query<HashMap<String, String>>,
) -> Result<HttpResponse> {
    let (asked, most) = (query.get("bytes").map_or("", String::as_str), set.max_bytes);
    let refusal = format!("bytes = {asked:?}: must be a whole number, 0 to {most}");
    let length = asked.parse::<u64>().ok().filter(|length| *length <= most);
    let length = length.ok_or_else(|| error::ErrorBadRequest(refusal))?;
    let chunks = (0..length).step_by(64 * 1024).map(move |start| {
        let bytes = (start..length).take(64 * 1024).map(|i| (i % 251) as u8);
        Result::<web::Bytes>::Ok(bytes.collect())
    });
    Ok(HttpResponse::Ok().streaming(futures_util::stream::iter(chunks)))
}
