//! A run on a cluster as text, at most 100 columns wide.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{ContentArrangement, Table};

use super::foreign_prestop::Refusal;
use super::kinds_tables;
use super::report::{Report, Row};
use rehearse_arm::ArmName;
use rehearse_arm::progress::thousands;
use rehearse_report::drains::advice;
use rehearse_report::{COLUMNS, PUBLISHED, table, wrapped};

impl Report {
    /// The table, the drains, the verdict.
    pub(super) fn text(&self, drain_min: Duration) -> String {
        let mut out = format!("{}\n{}", self.table(), kinds_tables::mixed(&self.scenarios));
        for line in self.notes(drain_min) {
            let _infallible = writeln!(out, "{}", wrapped(&line));
        }
        if let Some(example) = &self.drains.example {
            let _infallible = writeln!(
                out,
                "The drain report of {}, as the watch saw it:\n{}",
                example.pod, example.report
            );
        }
        let _infallible = writeln!(out, "{}", wrapped(&self.summary));
        out
    }

    fn table(&self) -> Table {
        let columns = [
            "scenario",
            "service",
            "average",
            "longest",
            "std. dev.",
            "control",
        ];
        let mut table = table::align(table::table(&columns));
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(COLUMNS as u16);
        for row in &self.scenarios {
            table.add_row(cells(row));
            if row.report.published.is_some() {
                table.add_row(published());
            }
        }
        table
    }

    fn notes(&self, drain_min: Duration) -> Vec<String> {
        let mut lines = vec![
            "Failed/all of the service's requests and of the control's, by kind of client above; \
             latencies in milliseconds, from each request's intended start."
                .to_owned(),
        ];
        let idle = self.scenarios.iter().filter(|row| {
            let control = row.arm(ArmName::Control);
            control.is_some_and(|arm| arm.total.failures.total() == 0)
        });
        let idle: Vec<&str> = idle.map(|row| row.scenario).collect();
        if !idle.is_empty() {
            let idle = idle.join(", ");
            lines.push(format!(
                "No proof by itself, as the control lost nothing: {idle}."
            ));
        }
        lines.extend(
            self.left_out
                .iter()
                .map(|left| format!("Left out: {left}.")),
        );
        lines.extend(self.drain_reports());
        if let Some(Refusal { pod, output }) = &self.foreign_prestop {
            lines.push(format!(
                "Another pod tried to drain {pod}, and could not: {output}."
            ));
        }
        lines.extend(self.drains.in_words());
        let met = self.propagation.as_ref();
        lines.extend(met.map(|met| advice(met, drain_min)));
        if let Some(met) = &self.lone_pods {
            let pods = met.pods;
            lines.push(format!(
                "Lone pods ({pods}) got traffic until their replacements were ready: {met}. With \
                 one replica drain.min should be its replacement's time to ready and 2 s."
            ));
        }
        lines
    }

    fn drain_reports(&self) -> Option<String> {
        let drains = &self.drains;
        let (pods, reports) = (drains.pods, drains.reports);
        let told = thousands(drains.streams_told);
        let finished = thousands(drains.responses_finished);
        (pods > 0).then(|| {
            format!(
                "Drain reports: of {reports} of {pods} replaced pods; {told} streams told to end, \
                 {finished} other responses under way and finished."
            )
        })
    }
}

fn cells(row: &Row) -> Vec<String> {
    let share = |arm: ArmName| {
        row.arm(arm).map_or_else(String::new, |arm| {
            share(arm.total.failures.total(), arm.total.requests)
        })
    };
    let service = row.arm(ArmName::Service).map(|arm| &arm.total);
    let figures = service.filter(|total| total.complete > 0);
    let figures: [String; 3] = figures.map_or_else(Default::default, |total| {
        [total.avg_ms(), total.max_ms(), total.stddev_ms()].map(latency)
    });
    let mut cells = vec![row.report.conditions.clone(), share(ArmName::Service)];
    cells.extend(figures);
    cells.push(share(ArmName::Control));
    cells
}

fn published() -> Vec<String> {
    let mut cells = vec!["  published".to_owned(), share(0, PUBLISHED.requests)];
    cells.extend([PUBLISHED.avg_ms, PUBLISHED.max_ms, PUBLISHED.stddev_ms].map(latency));
    cells.push(String::new());
    cells
}

fn share(failed: u64, all: u64) -> String {
    format!("{}/{}", thousands(failed), thousands(all))
}

fn latency(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms if ms < 100.0 => format!("{ms:.1}"),
        ms => thousands(ms.round() as u64),
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
