//! WebSockets: every message comes back, and every session ends by a Close.

mod server;
mod unknown;

use std::sync::Mutex;

use self::server::{CLOSE, PING, PONG, SWITCH, TEXT};
use super::peer::Peers;
use super::*;

fn talk(think: u64) -> Plan {
    plan(Mode::WebSocket {
        think: Think::Steady(Duration::from_millis(think)),
        message: None,
    })
}

async fn said(plan: Plan, peers: &Peers, enough: u64) -> Outcome {
    until(plan, Some(peers.address), ended(enough)).await
}

#[tokio::test]
async fn messages_come_back_and_ticks_are_counted() {
    let peers = Peers::start(async |_, mut peer| {
        peer.switch().await?;
        for tick in 1.. {
            peer.say(TEXT, format!("tick {}", 2 * tick).as_bytes())
                .await?;
            peer.echo().await?;
        }
        Ok(peer)
    })
    .await;
    let outcome = said(talk(1), &peers, 20).await;
    assert_none_failed(&outcome);
    assert!(outcome.ticks >= outcome.complete && outcome.complete >= 20);
    assert_eq!((peers.connections(), outcome.reconnects), (1, 0));
}

#[tokio::test]
async fn a_close_is_answered_and_the_client_connects_anew() {
    for code in [1001, 1012] {
        let answers = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&answers);
        let peers = Peers::start(move |n, mut peer| {
            let noted = Arc::clone(&noted);
            async move {
                peer.switch().await?;
                peer.echo().await?;
                if n > 0 {
                    return peer.echoes().await;
                }
                peer.close(code).await?;
                let answer = peer.hear().await?;
                noted.lock().unwrap().push(answer);
                peer.fin().await?;
                Ok(peer)
            }
        })
        .await;
        let outcome = said(talk(20), &peers, 5).await;
        assert_none_failed(&outcome);
        assert_eq!((outcome.reconnects, outcome.messages_crossed), (1, 0));
        let answer = (CLOSE, code.to_be_bytes().to_vec());
        assert_eq!(*answers.lock().unwrap(), [answer]);
    }
}

#[tokio::test]
async fn a_connection_that_ends_without_a_close_is_a_failure_even_between_messages() {
    for (reset, think) in [(false, 20), (true, 20), (false, 600_000)] {
        let peers = Peers::start(move |_, mut peer| async move {
            peer.switch().await?;
            // Of the third, the client thinks for ever after its first message.
            let first = peer.hear().await?;
            peer.say(TEXT, &first.1).await?;
            if reset {
                peer.hear().await?;
                return peer.reset();
            }
            peer.fin().await?;
            Ok(peer)
        })
        .await;
        let plan = Plan {
            seed: soon(think),
            ..talk(think)
        };
        let outcome = said(plan, &peers, 2).await;
        let lost = outcome.failures.count(FailureKind::NoCloseFrame);
        assert!(lost >= 1 && lost == outcome.failures.total(), "{outcome:?}");
        assert_eq!((outcome.reconnects, outcome.unannounced_closes), (0, 0));
    }
}

/// A seed whose first message is due soon, because the second may never be.
fn soon(think: u64) -> u64 {
    use super::super::schedule::{Pace, Schedule};
    let (now, pace) = (
        tokio::time::Instant::now(),
        Pace::steady(Duration::from_millis(think)),
    );
    let soon = |seed: &u64| Schedule::new(*seed, 0).first(now, pace) < now + HANGS / 600;
    (0..).find(soon).unwrap()
}

#[tokio::test]
async fn a_close_that_says_something_else_is_a_failure() {
    for code in [1000, 1006, 1011] {
        let peers = Peers::start(move |_, mut peer| async move {
            peer.switch().await?;
            peer.hear().await?;
            peer.close(code).await?;
            Ok(peer)
        })
        .await;
        let outcome = said(talk(1), &peers, 3).await;
        assert_all_failed(&outcome, FailureKind::WrongCloseCode);
        assert_eq!(outcome.failures.examples()[0].detail, code.to_string());
    }
}

#[tokio::test]
async fn a_message_that_meets_the_close_on_its_way_is_neither_complete_nor_failed() {
    let peers = Peers::start(async |n, mut peer| {
        peer.switch().await?;
        if n == 0 {
            peer.hear().await?;
            peer.close(1001).await?;
            assert_eq!(peer.hear().await?.0, CLOSE);
            peer.fin().await?;
            return Ok(peer);
        }
        peer.echoes().await
    })
    .await;
    let outcome = said(talk(1), &peers, 3).await;
    // The server's turn may take longer on a busy machine; then it is the failure of the next test.
    let missing = outcome.failures.count(FailureKind::EchoMissing);
    assert_eq!(
        (outcome.messages_crossed + missing, outcome.failures.total()),
        (1, missing)
    );
    assert_eq!(outcome.reconnects, 1);
}

#[tokio::test]
async fn a_message_that_the_server_had_long_before_its_close_is_a_failure() {
    let peers = Peers::start(async |_, mut peer| {
        peer.switch().await?;
        peer.hear().await?;
        tokio::time::sleep(Duration::from_millis(400)).await;
        peer.close(1001).await?;
        peer.fin().await?;
        Ok(peer)
    })
    .await;
    let outcome = said(talk(1), &peers, 2).await;
    assert_all_failed(&outcome, FailureKind::EchoMissing);
    assert_eq!(outcome.messages_crossed, 0);
}

#[tokio::test]
async fn after_a_close_that_the_kernel_knows_of_nothing_is_said() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heard);
    let peers = Peers::start(move |n, mut peer| {
        let noted = Arc::clone(&noted);
        async move {
            peer.head().await?;
            if n < 5 {
                // In one piece, so that a client that has one has the other.
                let both = [SWITCH.as_bytes(), &[0x88, 2, 3, 0xe9]].concat();
                peer.send(&both).await?;
                let heard = peer.hear().await?;
                noted.lock().unwrap().push(heard.0);
                peer.fin().await?;
                return Ok(peer);
            }
            peer.send(SWITCH.as_bytes()).await?;
            peer.echoes().await
        }
    })
    .await;
    let outcome = said(talk(1), &peers, 3).await;
    assert_none_failed(&outcome);
    assert_eq!((outcome.messages_crossed, outcome.reconnects), (0, 5));
    assert_eq!(*heard.lock().unwrap(), [CLOSE; 5]);
}

#[tokio::test]
async fn a_close_is_seen_a_round_trip_later_and_what_was_said_meanwhile_has_crossed_it() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heard);
    let peers = Peers::start(move |n, mut peer| {
        let noted = Arc::clone(&noted);
        async move {
            peer.switch().await?;
            if n > 0 {
                return peer.echoes().await;
            }
            let message = peer.hear().await?.1;
            peer.say(TEXT, &message).await?;
            peer.close(1001).await?;
            let meanwhile = [peer.hear().await?.0, peer.hear().await?.0];
            *noted.lock().unwrap() = meanwhile.to_vec();
            peer.fin().await?;
            Ok(peer)
        }
    })
    .await;
    let plan = Plan {
        rtt: Duration::from_millis(300),
        ..talk(50)
    };
    let outcome = said(plan, &peers, 4).await;
    assert_none_failed(&outcome);
    assert_eq!((outcome.messages_crossed, outcome.reconnects), (1, 1));
    assert_eq!(*heard.lock().unwrap(), [TEXT, CLOSE]);
}

#[tokio::test]
async fn a_server_must_not_go_on_after_its_close() {
    let peers = Peers::start(async |n, mut peer| {
        peer.switch().await?;
        peer.echo().await?;
        if n > 0 {
            return peer.echoes().await;
        }
        peer.close(1001).await?;
        peer.hear().await?;
        peer.say(TEXT, b"tick 1").await?;
        Ok(peer)
    })
    .await;
    let outcome = said(talk(1), &peers, 5).await;
    assert_eq!(
        outcome.failures.count(FailureKind::BadResponse),
        1,
        "{outcome:?}"
    );
    assert_eq!(outcome.failures.total(), 1);
}

#[tokio::test]
async fn a_ping_is_answered() {
    let peers = Peers::start(async |_, mut peer| {
        peer.switch().await?;
        loop {
            peer.say(PING, b"there?").await?;
            let mut frames = [peer.hear().await?, peer.hear().await?];
            frames.sort_unstable();
            let [message, pong] = frames;
            assert_eq!(pong, (PONG, b"there?".to_vec()));
            peer.say(TEXT, &message.1).await?;
        }
    })
    .await;
    assert_none_failed(&said(talk(1), &peers, 3).await);
    assert_eq!(peers.connections(), 1);
}

#[tokio::test]
async fn what_is_no_echo_and_no_new_tick_is_told_apart() {
    for (text, kind) in [
        (&["message 0"][..], FailureKind::WrongBody),
        (&["tick 5", "tick 5"], FailureKind::EventsDoubled),
        (&["tick 5", "tick 4"], FailureKind::EventsDoubled),
        (&["tick five"], FailureKind::WrongBody),
    ] {
        let peers = Peers::start(move |_, mut peer| async move {
            peer.switch().await?;
            peer.hear().await?;
            for text in text {
                peer.say(TEXT, text.as_bytes()).await?;
            }
            Ok(peer)
        })
        .await;
        assert_all_failed(&said(talk(1), &peers, 3).await, kind);
    }
}

#[tokio::test]
async fn a_server_that_does_not_switch_is_told_apart() {
    let other_key = SWITCH.replace("s3pP", "0000");
    for (head, kind) in [
        (OK, FailureKind::WrongStatus),
        (&other_key, FailureKind::BadResponse),
    ] {
        let head = head.to_owned();
        let peers = Peers::start(move |_, mut peer| {
            let head = head.clone();
            async move {
                peer.head().await?;
                peer.send(head.as_bytes()).await?;
                Ok(peer)
            }
        })
        .await;
        assert_all_failed(&said(talk(1), &peers, 3).await, kind);
    }
}

#[tokio::test]
async fn silence_instead_of_an_echo_is_a_timeout() {
    let peers = Peers::start(async |_, mut peer| {
        peer.switch().await?;
        Ok(peer)
    })
    .await;
    let plan = Plan {
        timeout: Duration::from_millis(50),
        ..talk(1)
    };
    assert_all_failed(&said(plan, &peers, 2).await, FailureKind::Timeout);
}
