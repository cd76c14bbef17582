//! What holds a handler back.

use std::io;

use actix_web::rt::net::TcpStream;
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;

#[derive(Deserialize)]
pub(crate) struct Gate {
    pub(crate) at: String,
}

impl Gate {
    /// Until the test hangs up.
    pub(crate) async fn wait(&self) -> io::Result<()> {
        TcpStream::connect(&self.at)
            .await?
            .read_to_end(&mut Vec::new())
            .await?;
        Ok(())
    }
}
