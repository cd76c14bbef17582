//! Lives of a process, with the drain in the middle of them.

use std::{
    fmt::Write as _,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    task::{JoinSet, LocalSet},
    time::error::Elapsed,
};

use super::{
    client::{Client, Manner, Outcome, Tally},
    network::{Network, Path},
    process::{CUT_AFTER, KEEP_ALIVE, PATIENCE, Process},
    random::Random,
    requests::LONGEST,
    tcp::RETRANSMIT,
};
use crate::{
    clock,
    exit::Exit,
    rules::{Rule, Rules},
    tls::Tls,
};

/// A connection that has been silent for so long at the fence ends there.
const LONG_SILENCE: Duration = Duration::from_secs(30);

/// By then every life is over.
const HANG: Duration = Duration::from_secs(600);
const FOR_EVER: &str = "something waits for ever";

/// What happened in a life.
#[derive(Debug)]
struct Life {
    t0: Instant,
    exit: Exit,
    ended: Instant,
    outcomes: Vec<(Manner, Outcome)>,
    crossed: u64,
    /// When the last client vanished that did.
    vanished: Option<Instant>,
    /// One that sends bodies has: nothing is owed to it while it does, so nobody can know.
    upload_vanished: bool,
    /// At most: with a segment that is lost and sent again.
    round_trip: Duration,
}

/// Lives a life, unless something waits for ever in it.
fn live(seed: u64, rules: Rules) -> Result<Life, Elapsed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("an event loop can be built");
    let local = LocalSet::new();
    let life = local.block_on(&runtime, async {
        let life = run(Random::new(seed), rules);
        tokio::time::timeout(HANG, life).await
    });
    // With its tasks, such as those of connections that nobody has closed.
    drop(local);
    life
}

async fn run(random: Random, rules: Rules) -> Life {
    let latency = Duration::from_millis([0, 1, 5, 25, 80][random.below(5) as usize]);
    let path = Path {
        latency,
        jitter: latency / 10,
    };
    let loss = [0, 0, 2][random.below(3) as usize];
    let again = if loss > 0 { RETRANSMIT } else { Duration::ZERO };
    let network = Network::new(random.clone(), loss);
    let packets = network.clone();
    tokio::task::spawn_local(async move { packets.run().await });
    let process = Process::start(rules, tls(&random)).await;
    let tally = Tally::default();
    let (mut clients, mut vanished, mut upload_vanished) = (JoinSet::new(), None, false);
    for _ in 0..1 + random.below(3) {
        let vanishes = random.percent(20);
        let vanishes = vanishes.then(|| clock::now() + Duration::from_millis(random.below(30_000)));
        vanished = vanished.max(vanishes);
        let client = Client {
            manner: match random.percent(20) {
                true => Manner::Http2,
                false => Manner::ALL[random.below(Manner::ALL.len() as u64) as usize],
            },
            random: random.clone(),
            network: network.clone(),
            path,
            process: process.clone(),
            tally: tally.clone(),
            vanishes,
        };
        let uploads = matches!(client.manner, Manner::Posts | Manner::Refused);
        upload_vanished |= uploads && vanishes.is_some();
        let begins = Duration::from_millis(random.below(8_000));
        clients.spawn_local(async move {
            tokio::time::sleep(begins).await;
            client.live().await;
        });
    }
    // Not while it starts.
    tokio::time::sleep(Duration::from_millis(10 + random.below(12_000))).await;
    let t0 = clock::now();
    process.terminate();
    let (exit, ended) = process.exit().await;
    while let Some(client) = clients.join_next().await {
        client.expect("clients do not panic");
    }
    Life {
        t0,
        exit,
        ended,
        outcomes: tally.outcomes(),
        crossed: process.control.ledger.crossed.get(),
        vanished,
        upload_vanished,
        round_trip: 2 * (path.latency + path.jitter) + again,
    }
}

/// Half of all lives are by TLS, where there is any.
#[cfg(feature = "tls")]
fn tls(random: &Random) -> Option<Arc<Tls>> {
    random.percent(50).then(super::tls::server)
}

#[cfg(not(feature = "tls"))]
fn tls(_: &Random) -> Option<Arc<Tls>> {
    None
}

impl Life {
    /// Everything in which a life is not as promised.
    fn broken(&self) -> String {
        let mut broken = String::new();
        let mut crossed = 0;
        for (manner, outcome) in &self.outcomes {
            match outcome {
                Outcome::Answered | Outcome::Unanswered => {}
                Outcome::Crossed { sent, idle_since } => {
                    crossed += 1;
                    let may_cross = match manner {
                        Manner::Follows => self.may_cross_stream(*sent, *idle_since),
                        _ => self.may_cross(*sent, *idle_since),
                    };
                    if !may_cross {
                        let [sent, idle] = [sent, idle_since].map(|at| *at - self.t0.min(*at));
                        let _ = writeln!(
                            broken,
                            "{manner:?} crossed early: {sent:?} after T0, idle since {idle:?}"
                        );
                    }
                }
                Outcome::Lost(how) => {
                    let _ = writeln!(broken, "{manner:?} lost a request: {how}");
                }
            }
        }
        if crossed != self.crossed {
            let _ = writeln!(
                broken,
                "{crossed} crossed, and {} were counted",
                self.crossed
            );
        }
        if self.exit != Exit::Ok && self.vanished.is_none() {
            let _ = writeln!(broken, "exit {:?}", self.exit);
        }
        if self.ended > self.ends_at_latest() {
            let _ = writeln!(broken, "it ended {:?} after T0", self.ended - self.t0);
        }
        broken
    }

    /// Idle connections are waited for; a client that has vanished is not, once that is clear, which
    /// takes five seconds from when it is looked at: with a connection that is idle, at its end.
    fn ends_at_latest(&self) -> Instant {
        if self.upload_vanished && self.exit == Exit::Cut {
            // `http.body_timeout` is longer than the drain, so the deadline ends it, and says so.
            return self.t0 + CUT_AFTER + Duration::from_secs(1);
        }
        // A request that arrives at the last moment is answered.
        let idle = self.t0 + PATIENCE + LONGEST + Duration::from_secs(2);
        let vanished = self
            .vanished
            .map(|at| at.max(idle) + Duration::from_secs(5));
        vanished.unwrap_or(idle)
    }

    /// An event stream that ends after T0 takes its connection with it, and its head could not say
    /// so. The FIN comes right behind its last bytes, unless it is lost and sent again.
    fn may_cross_stream(&self, sent: Instant, idle_since: Instant) -> bool {
        idle_since >= self.t0 && sent <= idle_since + self.round_trip
            || self.may_cross(sent, idle_since)
    }

    /// Whether a connection may have been ended while this request was on its way.
    fn may_cross(&self, sent: Instant, idle_since: Instant) -> bool {
        let arrives = sent + self.round_trip;
        let silent = arrives.saturating_duration_since(idle_since);
        arrives >= self.t0 + PATIENCE || silent >= LONG_SILENCE.min(KEEP_ALIVE)
    }
}

/// A number that a variable can say.
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |number| {
        let number = number.parse();
        number.unwrap_or_else(|_| panic!("{name} is no number"))
    })
}

/// What many lives came to.
#[derive(Default)]
struct Lives {
    answered: usize,
    crossed: u64,
    /// Those that were not as promised, by their seeds.
    broken: Vec<(u64, String)>,
}

impl Lives {
    /// Lives these, on all processors.
    fn all(seeds: Range<u64>) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = |first| Self::some(seeds.clone().skip(first).step_by(threads));
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads)
                .map(|first| scope.spawn(move || share(first)))
                .collect();
            let lives = threads
                .into_iter()
                .map(|thread| thread.join().expect("no life panics"));
            lives.fold(Self::default(), |mut all, mut some| {
                all.answered += some.answered;
                all.crossed += some.crossed;
                all.broken.append(&mut some.broken);
                all
            })
        })
    }

    fn some(seeds: impl Iterator<Item = u64>) -> Self {
        let mut lives = Self::default();
        for seed in seeds {
            let life = match live(seed, Rules::default()) {
                Ok(life) => life,
                Err(_) => {
                    lives.broken.push((seed, FOR_EVER.to_owned()));
                    continue;
                }
            };
            let broken = life.broken();
            if !broken.is_empty() {
                lives.broken.push((seed, broken));
            }
            let is_answered = |(_, how): &&(Manner, Outcome)| *how == Outcome::Answered;
            lives.answered += life.outcomes.iter().filter(is_answered).count();
            lives.crossed += life.crossed;
        }
        lives
    }
}

#[test]
fn nothing_is_lost_that_the_rules_promise_and_nothing_hidden() {
    let (count, first) = (number("LASTCALL_LIVES", 500), number("LASTCALL_SEED", 0));
    let lives = Lives::all(first..first + count);
    println!(
        "{count} lives, {} answered, {} crossed",
        lives.answered, lives.crossed
    );
    for (seed, broken) in &lives.broken {
        println!("seed {seed}: {broken}");
    }
    assert!(lives.broken.is_empty());
    assert!(lives.answered as u64 > count, "the lives are empty");
}

#[test]
fn each_rule_without_which_something_is_lost_is_missed() {
    // Some are rare: each is looked for until it is found.
    let seeds = number("LASTCALL_LIVES", 3_000);
    for rule in [
        Rule::LameDuck,
        Rule::Goodbye,
        Rule::FirstResponse,
        Rule::TwoGoaways,
        Rule::IdleAsked,
        Rule::Acknowledged,
        Rule::Refuse,
        Rule::Finish,
        Rule::Linger,
        Rule::LineEnds,
    ] {
        let missed = (0..seeds).find_map(|seed| {
            let life = live(seed, Rules::without(rule));
            let broken = life.map_or_else(|_| FOR_EVER.to_owned(), |life| life.broken());
            (!broken.is_empty()).then_some((seed, broken))
        });
        println!("without {rule:?}: {missed:?}");
        assert!(missed.is_some(), "nobody misses {rule:?}");
    }
}
