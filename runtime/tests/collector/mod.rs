//! A collector that takes traces by OTLP over HTTP.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message as _;

pub struct Collector {
    pub address: SocketAddr,
    requests: Receiver<ExportTraceServiceRequest>,
}

/// A span, by what a test asks for.
#[derive(Clone, Debug)]
pub struct Seen {
    pub span: Span,
    pub attributes: HashMap<String, String>,
    pub resource: HashMap<String, String>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let sender = sender.clone();
                thread::spawn(move || take(client, &sender));
            }
        });
        Self { address, requests }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has come until now.
    pub fn spans(&self) -> Vec<Seen> {
        let groups = self
            .requests
            .try_iter()
            .flat_map(|request| request.resource_spans);
        groups
            .flat_map(|group| {
                let resource = attributes(&group.resource.unwrap_or_default().attributes);
                let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans
                    .map(|span| Seen {
                        attributes: attributes(&span.attributes),
                        resource: resource.clone(),
                        span,
                    })
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

fn attributes(all: &[KeyValue]) -> HashMap<String, String> {
    let text = |value: &KeyValue| match value.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        Value::BoolValue(truth) => Some(truth.to_string()),
        other => Some(format!("{other:?}")),
    };
    all.iter()
        .filter_map(|value| Some((value.key.clone(), text(value)?)))
        .collect()
}

/// Requests of one connection.
fn take(client: TcpStream, sender: &Sender<ExportTraceServiceRequest>) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut client = client;
    loop {
        let mut length = 0;
        let mut first = String::new();
        reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
        assert_eq!(first.trim_end(), "POST /v1/traces HTTP/1.1");
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let line = line.trim_end().to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", bytes)) => length = bytes.parse().ok()?,
                Some(("content-type", format)) => assert_eq!(format, "application/x-protobuf"),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        sender
            .send(ExportTraceServiceRequest::decode(&*body).unwrap())
            .ok()?;
        client
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .ok()?;
    }
}
