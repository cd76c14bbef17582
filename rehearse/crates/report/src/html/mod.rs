//! A run as a page that needs nothing but itself: no other file, no network.

mod arm;
mod around;
mod axis;
mod curve;
mod data;
mod failures;
mod kinds;
mod lanes;
mod latency;
mod marks;
mod offsets;
mod pods;
mod routing;
mod run;
mod stats;
mod svg;
mod tables;
mod text;
mod timeline;
mod verdict;

use self::data::{Log, Scene};
use self::line::Line;
use self::text::{date, escape};
use self::verdict::Shown;
// All that ties the page to its crate.
use crate::events::line;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Patterns of pods' lives, so that their parts differ by more than colour.
const PATTERNS: &str = "<pattern id=\"hatch\" width=\"5\" height=\"5\" \
     patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"5\" height=\"5\" \
     class=\"hatch-back\"/><rect width=\"2\" height=\"5\" class=\"hatch-line\"/></pattern>";

/// The page of a log.
pub fn page(lines: &[Line]) -> String {
    let log = Log::of(lines);
    let arms = log.scenes.iter().flat_map(|scene| &scene.arms);
    let cap = marks::cap(arms.map(|arm| arm.failures.len()).collect());
    let scenes = log.scenes.iter().enumerate();
    let scenes: String = scenes.map(|(index, of)| scene(index, of, cap)).collect();
    let empty = match log.scenes.is_empty() {
        true => "<p class=\"nothing\">There is no scenario in this log.</p>\n",
        false => "",
    };
    format!(
        "{}<body>\n<svg width=\"0\" height=\"0\" class=\"defs\" \
         aria-hidden=\"true\"><defs>{PATTERNS}{}</defs></svg>\n<main>\n{}{}{scenes}{empty}{}</main>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n",
        head(),
        kinds::symbols(),
        title(&log),
        contents(&log),
        run::html(log.header)
    )
}

/// Everything from elsewhere is forbidden, in case a log ever finds a way to ask for it.
fn head() -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
         name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta \
         http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n<meta name=\"color-scheme\" \
         content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n<title>Rehearsal \
         report</title>\n<style>{STYLE}</style>\n</head>\n"
    )
}

fn title(log: &Log) -> String {
    let when = log.header.map_or_else(String::new, |header| {
        let (version, began) = (escape(&header.rehearse), date(header.began));
        format!("<p>rehearse {version} · {began} · seed {}</p>", header.seed)
    });
    format!("<header class=\"top\"><h1>Rehearsal report</h1>{when}</header>\n")
}

/// The scenarios with their verdicts, if there are several.
fn contents(log: &Log) -> String {
    if log.scenes.len() < 2 {
        return String::new();
    }
    let entry = |(index, scene): (usize, &Scene)| {
        let shown = Shown::of(scene);
        format!(
            "<li><a href=\"#s{index}\">{}<b>{}</b><span>{}</span></a></li>",
            shown.badge(),
            escape(scene.service()),
            escape(&shown.first)
        )
    };
    let entries: String = log.scenes.iter().enumerate().map(entry).collect();
    format!("<nav aria-label=\"Scenarios\"><ul>{entries}</ul></nav>\n")
}

fn scene(index: usize, scene: &Scene, cap: usize) -> String {
    let conditions = scene.scenario.map_or("", |scenario| &scenario.conditions);
    let named = format!("{}: ", scene.service());
    let conditions = conditions.strip_prefix(&named).unwrap_or(conditions);
    let parts = [
        verdict::html(scene),
        tables::figures(scene),
        tables::failures(scene),
        around::html(scene),
        timeline::html(scene, cap),
        curve::html(scene),
        failures::html(scene),
    ];
    format!(
        "<section class=\"scene\" id=\"s{index}\">\n<h2>{} <small>{}</small></h2>\n{}</section>\n",
        escape(scene.service()),
        escape(conditions),
        parts.concat()
    )
}

#[cfg(test)]
mod tests;
