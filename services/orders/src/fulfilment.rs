//! Fulfils orders in the background, one after the other.

use std::time::Duration;

use lastcall::Stop;
use tokio::time::sleep;

use crate::State;

/// How long it waits for further orders when there are none.
const IDLE: Duration = Duration::from_millis(200);

/// How long a claim lasts: if its claimer has gone by then, another replica takes the order over.
const LEASE: Duration = Duration::from_secs(30);

/// Fulfils orders until the process is told to go. The one at hand is finished, since the drain waits for
/// this to return; what is not claimed yet is left to other replicas.
///
/// # Errors
/// None: a database that does not answer is asked again.
pub(crate) async fn run(state: State, stop: Stop) -> anyhow::Result<()> {
    let mut told = std::pin::pin!(stop.at_t0());
    loop {
        let worked = one(&state).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "an order could not be fulfilled; trying again");
            false
        });
        let pause = if worked { Duration::ZERO } else { IDLE };
        tokio::select! {
            biased;
            () = &mut told => return Ok(()),
            () = sleep(pause) => {}
        }
    }
}

/// Fulfils one, if there is one.
async fn one(state: &State) -> Result<bool, sqlx::Error> {
    let Some(order) = state.store.claim(LEASE).await? else {
        return Ok(false);
    };
    // What a real service does here: it packs, calls a carrier, sends a mail.
    sleep(state.fulfilment).await;
    state.store.fulfil(&order.id).await?;
    state.metrics.fulfilled.inc();
    Ok(true)
}
