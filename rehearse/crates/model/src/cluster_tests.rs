use super::*;
use crate::probe::Check;
use crate::program::PreStop;
use crate::propagation::Propagation;

fn cluster(script: &str) -> Cluster {
    let program = Program {
        exe: "sh".into(),
        args: vec!["-c".to_owned(), script.to_owned()],
        env: Vec::new(),
        check: Check::Tcp,
        prestop: PreStop::None,
        may_die_of_sigterm: false,
    };
    let second = Duration::from_secs(1);
    let template = Template {
        program: Arc::new(program),
        spec: Spec {
            replicas: 3,
            max_surge: 1,
            max_unavailable: 0,
        },
        timing: Timing {
            first_probe: Duration::ZERO,
            start_limit: second,
            grace: second,
        },
        replacement_first_probe: Duration::ZERO,
        addresses: Arc::new(AddressPool::claim().unwrap()),
        seed: 1,
    };
    Cluster::start(template, Router::new(Propagation::default(), 1))
}

#[tokio::test]
async fn a_program_that_ends_at_once_is_reported_with_its_last_words() {
    let mut cluster = cluster("echo no such setting >&2; exit 64");
    let failure = cluster.complete().await.unwrap_err().to_string();
    assert!(
        failure.contains("its process ended before, exit status: 64"),
        "{failure}"
    );
    assert!(failure.contains("\n  | no such setting\n"), "{failure}");
    cluster.stop().await;
}

#[tokio::test]
async fn a_program_that_never_listens_is_reported_with_its_probes_answer() {
    let mut cluster = cluster("exec sleep 600");
    let failure = cluster.complete().await.unwrap_err().to_string();
    assert!(
        failure.contains("not ready after 1s: probe of 127."),
        "{failure}"
    );
    assert!(failure.contains("refused"), "{failure}");
    cluster.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_process_is_left_behind_even_if_it_ignores_sigterm() {
    let mark = format!("60{}", std::process::id());
    let script = format!("trap '' TERM; sleep {mark}; sleep {mark}");
    let running = || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let of = |p: std::fs::DirEntry| std::fs::read_to_string(p.path().join("cmdline"));
        processes
            .flat_map(of)
            .filter(|line| line.contains(&mark))
            .count()
    };
    let cluster = cluster(&script);
    while running() < 6 {
        tokio::task::yield_now().await;
    }
    let ledger = cluster.stop().await;
    while running() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((ledger.created, ledger.deleted, ledger.faults), (3, 0, 0));
}
