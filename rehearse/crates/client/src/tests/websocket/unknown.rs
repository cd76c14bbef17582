//! Sessions of which nothing is known but that messages are answered.

use super::super::unknown::unknown;
use super::*;

#[tokio::test]
async fn what_a_websocket_says_beside_the_echo_is_its_own_and_any_message_answers_a_given_one() {
    let peers = Peers::start(async |_, mut peer| {
        peer.switch().await?;
        peer.say(TEXT, b"welcome").await?;
        peer.echoes().await
    })
    .await;
    let talk = |message: Option<&str>| {
        unknown(plan(Mode::WebSocket {
            think: Think::Steady(Duration::from_millis(5)),
            message: message.map(str::to_owned),
        }))
    };
    let outcome = until(talk(None), Some(peers.address), ended(3)).await;
    assert_none_failed(&outcome);
    let peers = Peers::start(async |_, mut peer| {
        peer.switch().await?;
        loop {
            let (_, said) = peer.hear().await?;
            assert_eq!(said, b"{\"ping\":1}");
            peer.say(TEXT, b"{\"pong\":1}").await?;
        }
    })
    .await;
    let outcome = until(talk(Some("{\"ping\":1}")), Some(peers.address), ended(3)).await;
    assert_none_failed(&outcome);
}
