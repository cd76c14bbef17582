//! Scales and parts that the charts have in common.

use super::text::{escape, millis};

/// The width of every chart; the page scales it.
pub(super) const WIDTH: f64 = 1_200.0;
/// Where the plot begins and ends.
pub(super) const LEFT: f64 = 208.0;
pub(super) const RIGHT: f64 = 1_184.0;

/// From figures to coordinates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    from: f64,
    to: f64,
    begin: f64,
    end: f64,
    logarithmic: bool,
}

impl Scale {
    pub(super) fn linear(values: (f64, f64), begin: f64, end: f64) -> Self {
        let (from, to) = values;
        Self {
            from,
            to: to.max(from + 1e-9),
            begin,
            end,
            logarithmic: false,
        }
    }

    /// Of times, across the plot.
    pub(super) fn time(from: f64, to: f64) -> Self {
        Self::linear((from, to.max(from + 1.0)), LEFT, RIGHT)
    }

    /// Upwards; values must be above 0.
    pub(super) fn log(values: (f64, f64), bottom: f64, top: f64) -> Self {
        let scale = Self::linear((values.0.log10(), values.1.log10()), bottom, top);
        Self {
            logarithmic: true,
            ..scale
        }
    }

    /// The coordinate; what is outside lands on the edge.
    pub(super) fn at(&self, value: f64) -> f64 {
        let value = match self.logarithmic {
            true => value.max(1e-6).log10(),
            false => value,
        };
        let share = ((value - self.from) / (self.to - self.from)).clamp(0.0, 1.0);
        self.begin + share * (self.end - self.begin)
    }
}

/// A coordinate, as short as it is exact enough.
pub(super) fn n(coordinate: f64) -> String {
    let text = format!("{coordinate:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// A label; `anchor` is `start`, `middle` or `end`.
pub(super) fn label(x: f64, y: f64, anchor: &str, class: &str, text: &str) -> String {
    let (x, y, text) = (n(x), n(y), escape(text));
    format!("<text x=\"{x}\" y=\"{y}\" class=\"{class} {anchor}\">{text}</text>")
}

/// A line.
pub(super) fn line(from: (f64, f64), to: (f64, f64), class: &str) -> String {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(n);
    format!("<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" class=\"{class}\"/>")
}

/// A rectangle with a tooltip; not narrower than can be seen.
pub(super) fn bar(x: (f64, f64), y: (f64, f64), class: &str, title: &str) -> String {
    let (width, height) = ((x.1 - x.0).max(1.0), y.1 - y.0);
    let [x, y, width, height] = [x.0, y.0, width, height].map(n);
    let title = escape(title);
    format!(
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" class=\"{class}\"><title>\
         {title}</title></rect>"
    )
}

/// A chart of so great a height; `about` describes it to those who do not see it.
pub(super) fn chart(height: f64, about: &str, content: &str) -> String {
    let (height, about) = (n(height), escape(about));
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{about}\"><svg \
         class=\"chart\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"{about}\">{content}</svg></div>\n"
    )
}

/// Milliseconds of an optional figure, or a dash.
pub(super) fn or_dash(ms: Option<f64>) -> String {
    ms.map_or_else(|| "–".to_owned(), millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_outside_lands_on_the_edge() {
        let scale = Scale::log((1.0, 100.0), 100.0, 0.0);
        assert_eq!([0.0, 10.0, 1e9].map(|ms| scale.at(ms)), [100.0, 50.0, 0.0]);
    }
}
