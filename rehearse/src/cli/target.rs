//! Options of a program of any kind: which clients it has, and where they find what.

use std::fs;

use clap::Args;

use super::clients::CLIENTS;
use super::load::not_empty;
use super::plan::{BadInput, bad};
use super::values::number;
use rehearse_arm::load::{Load, Routes};
use rehearse_client::{Content, Header, Method};

/// Where clients find what they are for. A kind whose path is not given has no clients.
#[derive(Debug, Args)]
#[command(next_help_heading = CLIENTS)]
#[allow(missing_docs, reason = "the options' help says it")]
pub struct Target {
    /// What clients get; the answer must be a success (2xx) and complete
    #[arg(long, value_name = "TARGET", default_value = "/")]
    pub path: String,
    /// A field of every request's header, such as 'Authorization: Bearer x'; Host, too
    #[arg(long, value_name = "'NAME: VALUE'")]
    pub header: Vec<Header>,
    /// Keep-alive clients POST --body here, in place of getting --path
    #[arg(long, value_name = "TARGET")]
    pub post_path: Option<String>,
    /// What they send: as it is here, or @FILE for a file's bytes [default: nothing]
    #[arg(long, value_name = "BODY|@FILE")]
    pub body: Option<String>,
    /// Clients POST slow bodies here, of 100 kB over 2s
    #[arg(long, value_name = "TARGET")]
    pub upload_path: Option<String>,
    /// How many [default: 10]
    #[arg(long, value_name = "N", value_parser = number)]
    pub uploads: Option<usize>,
    /// Clients read this response slowly, at 1 MB/s
    #[arg(long, value_name = "TARGET")]
    pub download_path: Option<String>,
    /// How many [default: 10]
    #[arg(long, value_name = "N", value_parser = number)]
    pub downloads: Option<usize>,
    /// Clients follow this event stream, and resume it by the last event's id; it must end by the end
    /// of its body
    #[arg(long, value_name = "TARGET")]
    pub events_path: Option<String>,
    /// How many [default: 50]
    #[arg(long, value_name = "N", value_parser = number)]
    pub event_streams: Option<usize>,
    /// Clients talk on a WebSocket here: each message must come back, whatever else the server sends,
    /// and the session must end by its Close (1001 or 1012)
    #[arg(long, value_name = "TARGET")]
    pub websocket_path: Option<String>,
    /// How many [default: 20]
    #[arg(long, value_name = "N", value_parser = number)]
    pub websockets: Option<usize>,
    /// What they say instead; then any message of the server is the answer
    #[arg(long, value_name = "TEXT")]
    pub websocket_message: Option<String>,
}

impl Target {
    /// The routes; those that are not given are not used.
    pub(super) fn routes(&self) -> Result<Routes, BadInput> {
        let targets = [
            ("--path", Some(&self.path)),
            ("--post-path", self.post_path.as_ref()),
            ("--upload-path", self.upload_path.as_ref()),
            ("--download-path", self.download_path.as_ref()),
            ("--events-path", self.events_path.as_ref()),
            ("--websocket-path", self.websocket_path.as_ref()),
        ];
        for (option, target) in targets {
            if let Some(target) = target.filter(|target| !is_target(target)) {
                return bad(option, target, "must begin with /, and be visible ASCII");
            }
        }
        let [_, post, upload, download, events, websocket] =
            targets.map(|(_, target)| target.cloned().unwrap_or_default());
        Ok(Routes {
            get: self.path.clone(),
            post,
            upload,
            download,
            events,
            websocket,
            headers: self.header.iter().cloned().collect(),
            body: self.body()?,
            message: self.websocket_message.clone(),
            expect: None,
            content: Content::Unknown,
        })
    }

    fn body(&self) -> Result<Vec<u8>, BadInput> {
        let body = self.body.as_deref().unwrap_or_default();
        match body.strip_prefix('@') {
            None => Ok(body.into()),
            Some(file) => fs::read(file)
                .or_else(|error| bad("--body", body, &format!("must be a readable file: {error}"))),
        }
    }

    /// The load with the kinds of client that have a path.
    pub(super) fn load(&self, load: Load) -> Result<Load, BadInput> {
        only_with(&self.post_path, "--post-path", "--body", &self.body)?;
        let (path, message) = (&self.websocket_path, &self.websocket_message);
        only_with(path, "--websocket-path", "--websocket-message", message)?;
        let of =
            |path: &Option<String>, options: [&'static str; 2], count: Option<usize>, usual| {
                only_with(path, options[0], options[1], &count)?;
                Ok(path.as_ref().map_or(0, |_| count.unwrap_or(usual)))
            };
        let uploads = ["--upload-path", "--uploads"];
        let downloads = ["--download-path", "--downloads"];
        let events = ["--events-path", "--event-streams"];
        let websockets = ["--websocket-path", "--websockets"];
        not_empty(Load {
            method: match self.post_path {
                Some(_) => Method::Post,
                None => Method::Get,
            },
            uploads: of(&self.upload_path, uploads, self.uploads, 10)?,
            downloads: of(&self.download_path, downloads, self.downloads, 10)?,
            events: of(&self.events_path, events, self.event_streams, 50)?,
            websockets: of(&self.websocket_path, websockets, self.websockets, 20)?,
            ..load
        })
    }
}

/// An option that has no effect without a path.
fn only_with(
    path: &Option<String>,
    path_option: &str,
    option: &'static str,
    given: &Option<impl ToString>,
) -> Result<(), BadInput> {
    match (path, given) {
        (None, Some(value)) => bad(
            option,
            value.to_string(),
            &format!("only with {path_option}"),
        ),
        _ => Ok(()),
    }
}

fn is_target(target: &str) -> bool {
    target.starts_with('/') && target.chars().all(|c| c.is_ascii_graphic())
}
