//! What runs beside the requests, and what becomes of it when the process drains.

mod common;

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use actix_web::{App, HttpResponse, web};
use common::{get, status};
use lastcall::{Cause, Jobs, Phase, Settings, Stop, With};
use tokio::{sync::Notify, time::sleep};

/// A service without routes of its own, whose state is whatever a test wants to share.
fn service<St: Clone + Send + 'static>(state: St) -> lastcall::Service<(), With<St>> {
    lastcall::service!().start(async move |(): &()| Ok(state))
}

#[actix_web::test]
async fn work_that_stops_at_t0_ends_in_the_lame_duck_and_is_waited_for() {
    let finished = Arc::<AtomicBool>::default();
    let service = service(Arc::clone(&finished))
        .background("consumer", async |finished: Arc<AtomicBool>, stop: Stop| {
            stop.at_t0().await;
            sleep(Duration::from_millis(100)).await;
            finished.store(true, SeqCst);
            Ok(())
        })
        .test(Settings::new(()), |(): &(), _| App::new())
        .await;
    let report = service.drain().await;
    assert!(finished.load(SeqCst), "the job at hand is finished");
    assert_eq!((report.exit, report.background_finished), (Some(0), 1));
    assert_eq!(report.at_t0.background, 1);
}

#[actix_web::test]
async fn work_that_stops_at_the_drain_goes_on_in_the_lame_duck() {
    let told = Arc::<AtomicBool>::default();
    let settings = Settings::new(())
        .set("drain.min", "300ms")
        .set("drain.max", "300ms");
    let service = service(Arc::clone(&told))
        .background("cache", async |told: Arc<AtomicBool>, stop: Stop| {
            stop.at_drain().await;
            told.store(true, SeqCst);
            Ok(())
        })
        .test(settings, |(): &(), _| {
            App::new().route("/", web::get().to(HttpResponse::Ok))
        })
        .await;
    service.handle().drain();
    assert_eq!(status(&get(service.address(), "/").await), 200);
    assert!(!told.load(SeqCst), "requests are still served");
    assert_eq!(service.drain().await.background_finished, 1);
    assert!(told.load(SeqCst));
}

#[actix_web::test]
async fn work_that_does_not_stop_is_cut_and_named() {
    let service = lastcall::service!()
        .background("stubborn", async |(), _| pending().await)
        .test(Settings::new(()).set("grace_period", "3s"), |(): &()| {
            App::new()
        })
        .await;
    let report = service.drain().await;
    assert_eq!(
        (report.cut["stubborn (background)"], report.exit),
        (1, Some(3))
    );
}

#[actix_web::test]
async fn work_that_fails_or_panics_drains_the_process_and_is_named() {
    for panics in [false, true] {
        let ready = Arc::<Notify>::default();
        let service = service(Arc::clone(&ready))
            .background("consumer", move |ready: Arc<Notify>, _| async move {
                ready.notified().await;
                assert!(!panics, "a bug");
                anyhow::bail!("the queue is gone")
            })
            .test(Settings::new(()), |(): &(), _| App::new())
            .await;
        ready.notify_one();
        let report = service.handle().report().await.unwrap();
        assert_eq!(report.cause, Some(Cause::Failure));
        assert_eq!(
            (report.background_failed["consumer"], report.exit),
            (1, Some(70))
        );
    }
}

#[actix_web::test]
async fn work_that_fails_at_once_is_an_error_of_the_start() {
    let service = lastcall::service!()
        .background("consumer", async |(), _| anyhow::bail!("no queue"))
        .bind(common::quick())
        .await;
    let failed = match service {
        Ok(bound) => {
            let handle = bound.handle();
            match bound.serve(|(): &()| App::new()).await {
                // It was ready before the work had begun.
                Ok(_) => return assert_eq!(handle.report().await.unwrap().exit, Some(70)),
                Err(error) => error,
            }
        }
        Err(error) => error,
    };
    assert_eq!(
        failed.to_string(),
        "background work failed before it was ready"
    );
}

#[actix_web::test]
async fn a_failure_may_be_ignored_by_setting() {
    let settings = Settings::new(()).set("lifecycle.background_failure", "ignore");
    let failed = Arc::<Notify>::default();
    let service = service(Arc::clone(&failed))
        .background("optional", async |failed: Arc<Notify>, _| {
            failed.notify_one();
            anyhow::bail!("it is not there")
        })
        .test(settings, |(): &(), _| {
            App::new().route("/", web::get().to(HttpResponse::Ok))
        })
        .await;
    failed.notified().await;
    assert_eq!(status(&get(service.address(), "/").await), 200);
    let report = service.drain().await;
    assert_eq!(
        (report.background_failed["optional"], report.exit),
        (1, Some(0))
    );
}

/// Answers 202 at once, and does something for so long, or for ever.
async fn accept(jobs: Jobs, milliseconds: web::Path<u64>) -> HttpResponse {
    let job = Duration::from_millis(milliseconds.into_inner());
    jobs.spawn("mail", async move {
        sleep(job).await;
        Ok(())
    });
    HttpResponse::Accepted().finish()
}

#[actix_web::test]
async fn a_job_that_outlives_its_response_is_waited_for_and_counted() {
    let service = lastcall::service!()
        .test(Settings::new(()), |(): &()| {
            App::new().route("/{ms}", web::get().to(accept))
        })
        .await;
    assert_eq!(status(&get(service.address(), "/300").await), 202);
    let running = get(service.admin_address(), "/status").await;
    assert!(running.contains(r#""background":{"mail":1}"#), "{running}");
    let report = service.drain().await;
    assert_eq!((report.background_finished, report.exit), (1, Some(0)));
    assert!(report.draining_ms >= Some(100), "{report:?}");
}

#[actix_web::test]
async fn a_job_that_the_deadline_cuts_is_named() {
    let service = lastcall::service!()
        .test(Settings::new(()).set("grace_period", "3s"), |(): &()| {
            App::new().route("/{ms}", web::get().to(accept))
        })
        .await;
    for _ in 0..2 {
        assert_eq!(status(&get(service.address(), "/60000").await), 202);
    }
    let report = service.drain().await;
    assert_eq!((report.cut["mail (background)"], report.exit), (2, Some(3)));
    assert_eq!(report.phase, Some(Phase::Stopped));
}

#[actix_web::test]
async fn a_job_that_fails_is_named_and_ends_nothing() {
    async fn fails(jobs: Jobs) -> HttpResponse {
        jobs.spawn("mail", async {
            anyhow::bail!("no route to the mail server")
        });
        HttpResponse::Accepted().finish()
    }
    let service = lastcall::service!()
        .test(Settings::new(()), |(): &()| {
            App::new().route("/", web::get().to(fails))
        })
        .await;
    assert_eq!(status(&get(service.address(), "/").await), 202);
    assert_eq!(status(&get(service.address(), "/").await), 202);
    let report = service.drain().await;
    assert_eq!(
        (report.background_failed["mail"], report.exit),
        (2, Some(0))
    );
}

#[actix_web::test]
async fn what_is_added_before_the_start_hook_is_done_as_well() {
    let done = Arc::<AtomicBool>::default();
    let note = Arc::clone(&done);
    let service = lastcall::service!()
        .on_shutdown("first", async move |()| {
            note.store(true, SeqCst);
            Ok(())
        })
        .background("second", async |(), stop: Stop| {
            stop.at_drain().await;
            Ok(())
        })
        .start(async |(): &()| Ok("state"))
        .test(Settings::new(()), |(): &(), _| App::new())
        .await;
    let report = service.drain().await;
    assert!(done.load(SeqCst));
    assert_eq!((report.background_finished, report.exit), (1, Some(0)));
}
