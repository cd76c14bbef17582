//! Applications with actors.

mod common;

use actix::{
    Actor, ActorContext as _, ActorFutureExt as _, ContextFutureSpawner as _, Handler, Message,
    StreamHandler, Supervised, SystemService, WrapFuture as _,
};
use actix_web::{App, HttpRequest, HttpResponse, Result, web};
use actix_web_actors::ws::{self, CloseCode, WebsocketContext};
use awc::Client;
use common::{body, get};
use futures_util::{StreamExt as _, future::join_all};
use lastcall::{Drain, Settings};

/// Counts, once for the whole process.
#[derive(Default)]
struct Counter(usize);

#[derive(Message)]
#[rtype(result = "usize")]
struct Count;

impl Actor for Counter {
    type Context = actix::Context<Self>;
}

impl Supervised for Counter {}

impl SystemService for Counter {}

impl Handler<Count> for Counter {
    type Result = usize;

    fn handle(&mut self, _: Count, _: &mut Self::Context) -> usize {
        self.0 += 1;
        self.0
    }
}

#[actix_web::test]
async fn a_system_service_exists_once_for_all_workers() {
    let count = async || {
        let count = Counter::from_registry().send(Count).await;
        count.unwrap().to_string()
    };
    let service = lastcall::service!()
        .test(Settings::new(()).set("http.workers", 4), move |(): &()| {
            App::new().route("/", web::get().to(count))
        })
        .await;
    let answers = join_all((0..40).map(|_| get(service.address(), "/"))).await;
    let counts = answers.iter().map(|answer| body(answer).parse::<usize>());
    let mut counts: Vec<_> = counts.map(Result::unwrap).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=40).collect::<Vec<_>>());
}

/// A WebSocket that is closed when the process drains.
struct Socket {
    drain: Drain,
}

impl Actor for Socket {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let drain = self.drain.clone();
        let told = async move { drain.told().await };
        told.into_actor(self)
            .map(|(), _, context: &mut Self::Context| {
                context.close(Some(CloseCode::Away.into()));
                context.stop();
            })
            .spawn(context);
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Socket {
    fn handle(
        &mut self,
        message: Result<ws::Message, ws::ProtocolError>,
        context: &mut Self::Context,
    ) {
        if let Ok(ws::Message::Text(text)) = message {
            context.text(text);
        }
    }
}

async fn socket(request: HttpRequest, body: web::Payload, drain: Drain) -> Result<HttpResponse> {
    ws::start(Socket { drain }, &request, body)
}

#[actix_web::test]
async fn an_actors_web_socket_is_closed_by_the_drain() {
    let service = lastcall::service!()
        .test(Settings::new(()), |(): &()| {
            App::new().route("/", web::get().to(socket))
        })
        .await;
    let connected = Client::default().ws(service.url("/")).connect().await;
    let (_, mut connection) = connected.unwrap();
    service.handle().drain();
    let frame = connection.next().await.unwrap().unwrap();
    assert_eq!(
        frame,
        awc::ws::Frame::Close(Some(awc::ws::CloseCode::Away.into()))
    );
    drop(connection);
    let report = service.drain().await;
    assert_eq!((report.streams_told, report.exit), (1, Some(0)));
}
