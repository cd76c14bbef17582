//! Where each kind of client finds what it is for, what it sends, and what is known of the answers.

use rehearse_client::{Content, Headers};

/// The routes of a program, and what clients send to them.
#[derive(Clone, Debug)]
pub struct Routes {
    /// What keep-alive and one-shot clients get, and clients of HTTP/2.
    pub get: String,
    /// Where keep-alive clients send a body, if they `POST`.
    pub post: String,
    /// Where slow bodies are sent.
    pub upload: String,
    /// What is read slowly.
    pub download: String,
    /// The event stream.
    pub events: String,
    /// The WebSocket.
    pub websocket: String,
    /// What every request says beside what it has to.
    pub headers: Headers,
    /// What a `POST` of keep-alive clients sends.
    pub body: Vec<u8>,
    /// What is said on WebSockets. `None`: messages that must come back.
    pub message: Option<String>,
    /// The whole body that keep-alive and one-shot clients must be answered with, if it is known.
    pub expect: Option<String>,
    /// What is known of the content of all other routes.
    pub content: Content,
}

impl Routes {
    /// Those of the bundled services, of which all is known but what `get` and `post` may be set to
    /// answer.
    pub fn bundled(get: &str, post: &str, expect: Option<String>) -> Self {
        Self {
            get: get.to_owned(),
            post: post.to_owned(),
            upload: "/upload".to_owned(),
            download: "/download".to_owned(),
            events: "/events".to_owned(),
            websocket: "/ws".to_owned(),
            headers: Headers::default(),
            body: b"world".to_vec(),
            message: None,
            expect,
            content: Content::Known,
        }
    }
}
