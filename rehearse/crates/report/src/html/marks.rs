//! Failures as marks: one each, or, where there are too many, one for several of a kind and pod.

use std::collections::BTreeMap;

use super::arm::{Arm, Failure};
use super::kinds;
use super::svg::n;
use super::text::{count, escape, escape_up_to, moment, span};

/// Marks of all arms together.
const IN_ALL: usize = 5_000;
/// Marks of an arm in a scenario.
const OF_ARM: usize = 2_000;

/// One failure, or several.
#[derive(Debug)]
pub(super) struct Mark<'f> {
    /// The first one.
    pub(super) failure: &'f Failure<'f>,
    /// When the last one was.
    pub(super) until: f64,
    /// How many.
    pub(super) count: usize,
}

/// How many marks an arm may have, so that the page stays small however many arms there are, whose
/// failures these are. What arms with few of them leave is for the others.
pub(super) fn cap(mut failures: Vec<usize>) -> usize {
    failures.sort_unstable();
    let (mut left, arms) = (IN_ALL, failures.len());
    for (index, failures) in failures.into_iter().enumerate() {
        let share = left / (arms - index);
        if failures > share {
            return share.clamp(100, OF_ARM);
        }
        left -= failures;
    }
    OF_ARM
}

/// The marks of an arm, in the order of their time.
pub(super) fn of<'f>(arm: &'f Arm, cap: usize) -> Vec<Mark<'f>> {
    let single = |failure: &'f Failure| Mark {
        failure,
        until: failure.request.ended_ms,
        count: 1,
    };
    if arm.failures.len() <= cap {
        return arm.failures.iter().map(single).collect();
    }
    let mut bin = 25.0;
    loop {
        let marks = together(&arm.failures, bin);
        // As few as that there may never be, if there are more pods.
        if marks.len() <= cap || bin > 1e8 {
            return marks;
        }
        bin *= 2.0;
    }
}

fn together<'f>(failures: &'f [Failure], bin: f64) -> Vec<Mark<'f>> {
    let mut marks: BTreeMap<(i64, &str, Option<usize>), Mark<'f>> = BTreeMap::new();
    for failure in failures {
        let at = failure.request.ended_ms;
        let key = ((at / bin) as i64, failure.kind(), failure.pod);
        let mark = marks.entry(key).or_insert(Mark {
            failure,
            until: at,
            count: 0,
        });
        mark.count += 1;
        mark.until = at;
    }
    marks.into_values().collect()
}

impl Mark<'_> {
    /// As it is drawn, `size` being 1 for a symbol as it is in text.
    pub(super) fn draw(&self, x: f64, y: f64, size: f64, title: &str) -> String {
        let symbol = kinds::look(self.failure.kind()).symbol;
        // Ten times as many are half as large again.
        let size = size * (1.0 + 0.5 * (self.count as f64).log10()).min(2.2);
        let [x, y] = [x, y].map(n);
        let place = match (size * 10.0).round() / 10.0 {
            1.0 => format!("x=\"{x}\" y=\"{y}\""),
            size => format!("transform=\"translate({x} {y})scale({size})\""),
        };
        format!("<use href=\"#f{symbol}\" {place}><title>{title}</title></use>")
    }

    /// What it stands for, in escaped words.
    pub(super) fn title(&self, arm: &Arm) -> String {
        let request = self.failure.request;
        let (at, kind) = (
            moment(request.ended_ms),
            escape_up_to(60, self.failure.kind()),
        );
        let place = place(arm, self.failure);
        if self.count > 1 {
            let (until, many) = (moment(self.until), count(self.count, "request"));
            return format!("{many}: {kind}\n{at} – {until}{place}");
        }
        let detail = request.detail.as_deref().unwrap_or_default();
        let detail = escape_up_to(80, detail);
        let took = span(request.ended_ms - request.started_ms);
        let client = escape_up_to(40, &request.kind);
        format!(
            "{kind}: {detail}\n{at}{place}\n{client} client {}, {took} after its start",
            request.client
        )
    }

    /// The same in short, where the pod is plain to see.
    pub(super) fn short_title(&self, arm: &Arm) -> String {
        let kind = escape_up_to(60, self.failure.kind());
        let many = match self.count {
            1 => String::new(),
            many => format!("{many} × "),
        };
        format!("{many}{kind}{}", place(arm, self.failure))
    }
}

/// `, pod 7, T0 + 312 ms, shutting down`.
fn place(arm: &Arm, failure: &Failure) -> String {
    let Some(pod) = arm.pod(failure) else {
        let peer = failure.request.peer.as_deref().unwrap_or("no endpoint");
        return format!(", {}", escape(peer));
    };
    let at = failure.request.ended_ms;
    let phase = pod.phase(at).words().0;
    let offset = since_deletion(pod.deleted, at).map(|offset| format!(", {offset}"));
    format!(
        ", pod {}{}, {phase}",
        pod.number,
        offset.unwrap_or_default()
    )
}

/// `T0 + 312 ms`.
pub(super) fn since_deletion(deleted: Option<f64>, at: f64) -> Option<String> {
    let offset = at - deleted?;
    let sign = if offset < 0.0 { '−' } else { '+' };
    Some(format!("T0 {sign} {}", span(offset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_that_lose_much_have_what_the_others_leave() {
        assert_eq!(cap(vec![]), 2_000);
        assert_eq!(cap(vec![8_000, 90, 0]), 2_000);
        assert_eq!(cap(vec![8_000, 90, 0, 8_000, 1_910, 0]), 1_636);
        assert_eq!(cap(vec![9_000; 100]), 100);
    }
}
