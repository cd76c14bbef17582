//! The figures as text.

use std::fmt;

use super::instructions::Instructions;
use super::throughput::{Round, Throughput};
use rehearse_arm::progress::thousands;
use rehearse_report::table::{align, table};

impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Throughput of hello by {}: service (profile {}) against control (profile {})\n\
             requests/s with {} for {} s, one worker; {}",
            self.protocol,
            self.service_profile,
            self.control_profile,
            self.load,
            self.seconds,
            self.pinning.as_deref().unwrap_or("not pinned to cores"),
        )?;
        let mut rounds = table(&["round", "control", "service", "ratio", "core busy"]);
        rounds.add_rows(self.rounds.iter().zip(1..).map(|(round, n)| row(n, round)));
        writeln!(f, "{}", align(rounds))?;
        let ratio = self.ratio;
        writeln!(
            f,
            "ratio: median {:.3} ({:.3} to {:.3}); {}",
            ratio.median,
            ratio.min,
            ratio.max,
            self.goal.beside(ratio.median)
        )?;
        let [control, service] = self.response_bytes;
        if control != service {
            writeln!(
                f,
                "a response has {control} bytes from control, {service} from service"
            )?;
        }
        if self.unsaturated {
            writeln!(
                f,
                "the servers' core was not busy: the load generator, or another process, was the \
                 limit, and the ratio is nearer to 1 than it should be"
            )?;
        }
        Ok(())
    }
}

fn row(number: usize, round: &Round) -> Vec<String> {
    let rate = |rate: f64| thousands(rate.round() as u64);
    let [control, service] = round
        .busy
        .map(|share| share.map_or_else(|| "-".to_owned(), |share| format!("{:.0}", share * 100.0)));
    vec![
        number.to_string(),
        rate(round.control),
        rate(round.service),
        format!("{:.3}", round.ratio),
        format!("{control} / {service} %"),
    ]
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [few, many] = [self.requests.few, self.requests.many].map(|n| thousands(n.into()));
        writeln!(
            f,
            "Instructions per request of hello by {} (profile {}), metrics included\n\
             callgrind's count of {many} requests less that of {few}, on one connection",
            self.protocol, self.profile
        )?;
        let mut arms = table(&["control", "service", "ratio"]);
        let [control, service] =
            [self.control, self.service].map(|count| thousands(count.round() as u64));
        arms.add_row([control, service, format!("{:.3}", self.ratio)]);
        writeln!(f, "{arms}")?;
        writeln!(
            f,
            "ratio: {:.3}; {}",
            self.ratio,
            self.goal.beside(self.ratio)
        )
    }
}
