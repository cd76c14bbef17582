//! Settings that cannot work.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::connection::{Connection, PATIENCE};
use crate::feature::Feature;
use crate::launcher::Launcher;
use crate::requirement::SETTINGS_CHECKED;

pub(super) const CASES: &[Case] = &[Case {
    name: "bad-settings",
    claim: "Settings that cannot work are refused before a port is bound: exit code 64 or 78.",
    requirement: &SETTINGS_CHECKED,
    requires: &[Feature::BadSetting],
    observe: |launcher| Box::pin(bad_budget(launcher)),
}];

/// `EX_USAGE` and `EX_CONFIG` of `sysexits.h`.
const REFUSED: [Option<i32>; 2] = [Some(64), Some(78)];

async fn bad_budget(launcher: &Launcher<'_>) -> Outcome {
    let address = launcher.address()?;
    let bad = launcher.subject.bad_setting.iter();
    let bad: Vec<(&str, &str)> = bad.map(|(name, value)| (&**name, &**value)).collect();
    let mut process = launcher.spawn(address, &bad)?;
    let began = Instant::now();
    loop {
        let ended = tokio::time::timeout(Duration::from_millis(10), process.wait()).await;
        if let Ok(status) = ended {
            let code = status.observing("its end")?.code();
            return expect(REFUSED.contains(&code), || format!("exit code {code:?}"));
        }
        let listens = Connection::connect(address.http).await.is_ok();
        expect(!listens, || {
            "it listens with a setting that cannot work".to_owned()
        })?;
        if began.elapsed() > PATIENCE {
            return Err(Stop::failed(format!(
                "it neither listened nor ended for {PATIENCE:?}"
            )));
        }
        sleep(Duration::from_millis(10)).await;
    }
}
