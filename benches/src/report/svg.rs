//! Drawings: bars and curves as SVG, in the colours of the page around them.

use std::fmt::Write as _;

/// A drawing's width, in its own units; the page scales it.
const WIDTH: f64 = 360.0;

/// One bar: its name, and the two parts of which it is made.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) parts: [f64; 2],
    /// Drawn in the colour of ours.
    pub(super) ours: bool,
}

/// One curve: its name, and points from left to right.
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// Lying bars, the smallest figure first.
pub(super) fn bars(title: &str, unit: &str, mut bars: Vec<Bar>) -> String {
    const ROW: f64 = 22.0;
    const LEFT: f64 = 132.0;
    // The longest figure has six digits.
    const RIGHT: f64 = 76.0;
    let whole = |bar: &Bar| bar.parts[0] + bar.parts[1];
    bars.sort_by(|a, b| whole(a).total_cmp(&whole(b)));
    let longest = bars.iter().map(whole).fold(f64::MIN_POSITIVE, f64::max);
    let height = bars.len() as f64 * ROW + 4.0;
    let mut out = open(title, height);
    for (at, bar) in bars.iter().enumerate() {
        let top = at as f64 * ROW + 4.0;
        let scale = (WIDTH - LEFT - RIGHT) / longest;
        let [first, second] = bar.parts.map(|part| part * scale);
        let class = if bar.ours { "ours" } else { "theirs" };
        let (name, text_y) = (escape(&bar.name), top + 13.0);
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{text_y:.1}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{top:.1}\" width=\"{first:.1}\" height=\"16\"/>\
             <rect class=\"{class} pale\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{second:.1}\" height=\"16\"/>\
             <text x=\"{:.1}\" y=\"{text_y:.1}\">{:.1} {unit}</text>",
            LEFT - 6.0,
            LEFT + first,
            LEFT + first + second + 4.0,
            whole(bar),
        );
    }
    out.push_str("</svg>");
    out
}

/// Curves over a common ground, both axes logarithmic.
pub(super) fn curves(title: &str, across: &str, up: &str, curves: &[Curve]) -> String {
    const HEIGHT: f64 = 240.0;
    const LEFT: f64 = 48.0;
    const BOTTOM: f64 = 36.0;
    const TOP: f64 = 12.0;
    const RIGHT: f64 = 10.0;
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let (low_x, high_x) = span(all().map(|point| point.0));
    let (low_y, high_y) = span(all().map(|point| point.1));
    let place = |value: f64, low: f64, high: f64| {
        let range = (high.ln() - low.ln()).max(f64::EPSILON);
        ((value.max(low).ln() - low.ln()) / range).clamp(0.0, 1.0)
    };
    let x = |value| LEFT + place(value, low_x, high_x) * (WIDTH - LEFT - RIGHT);
    let y = |value| HEIGHT - BOTTOM - place(value, low_y, high_y) * (HEIGHT - BOTTOM - TOP);
    let legend = curves.len().div_ceil(2) as f64 * 16.0;
    let mut out = open(title, HEIGHT + legend + 4.0);
    for value in ticks(low_y, high_y) {
        let at = y(value);
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 4.0,
            at + 4.0,
            short(value),
        );
    }
    for value in ticks(low_x, high_x) {
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x(value),
            HEIGHT - BOTTOM + 14.0,
            short(value),
        );
    }
    let _ = write!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
         <text x=\"2\" y=\"{:.1}\">{}</text>",
        WIDTH - RIGHT,
        HEIGHT - BOTTOM + 28.0,
        escape(across),
        HEIGHT - BOTTOM + 28.0,
        escape(up),
    );
    for (number, curve) in curves.iter().enumerate() {
        let points: Vec<String> = curve
            .points
            .iter()
            .map(|&(across, up)| format!("{:.1},{:.1}", x(across), y(up)))
            .collect();
        let _ = write!(
            out,
            "<polyline class=\"curve c{number}\" points=\"{}\"/>",
            points.join(" ")
        );
        let (column, line) = ((number % 2) as f64, (number / 2) as f64);
        let (left, top) = (8.0 + column * WIDTH / 2.0, HEIGHT + 12.0 + line * 16.0);
        let _ = write!(
            out,
            "<line class=\"curve c{number}\" x1=\"{left:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>\
             <text x=\"{:.1}\" y=\"{top:.1}\">{}</text>",
            top - 4.0,
            left + 16.0,
            top - 4.0,
            left + 20.0,
            escape(&curve.name),
        );
    }
    out.push_str("</svg>");
    out
}

fn open(title: &str, height: f64) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\"><title>{}</title>",
        escape(title)
    )
}

/// The smallest and the largest, positive.
fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|&value| value > 0.0)
        .fold((f64::MAX, f64::MIN_POSITIVE), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    if low > high {
        (1.0, 10.0)
    } else {
        (low, high.max(low * 1.01))
    }
}

/// Powers of ten, halves and fifths of them within a span: at most eight.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let from = low.log10().floor() as i32;
    let to = high.log10().ceil() as i32;
    let steps: &[f64] = if to - from > 3 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    (from..=to)
        .flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)))
        .filter(|value| (low * 0.999..=high * 1.001).contains(value))
        .take(8)
        .collect()
}

fn short(value: f64) -> String {
    if value >= 1e6 {
        format!("{}M", value / 1e6)
    } else if value >= 1e3 {
        format!("{}k", value / 1e3)
    } else {
        format!("{value}")
    }
}

/// Text, safe within a page.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_lie_within_and_are_few() {
        for (low, high, expected) in [
            (1.0, 10.0, vec![1.0, 2.0, 5.0, 10.0]),
            (3.0, 40.0, vec![5.0, 10.0, 20.0]),
            (1.0, 1e5, vec![1.0, 10.0, 100.0, 1e3, 1e4, 1e5]),
        ] {
            assert_eq!(ticks(low, high), expected, "{low} {high}");
        }
    }

    #[test]
    fn numbers_are_short_and_text_is_escaped() {
        assert_eq!([short(64.0), short(5e4), short(2e6)], ["64", "50k", "2M"]);
        assert_eq!(escape("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }

    #[test]
    fn nothing_to_draw_is_drawn_without_a_mishap() {
        for drawing in [bars("t", "µs", Vec::new()), curves("t", "x", "y", &[])] {
            assert!(drawing.starts_with("<svg") && drawing.ends_with("</svg>"));
            assert!(
                !drawing.contains("NaN") && !drawing.contains("inf"),
                "{drawing}"
            );
        }
    }

    #[test]
    fn bars_stand_in_the_order_of_their_figures() {
        let bar = |name: &str, figure| Bar {
            name: name.to_owned(),
            parts: [figure, 0.0],
            ours: false,
        };
        let drawing = bars("t", "µs", vec![bar("slow", 9.0), bar("fast", 1.0)]);
        assert!(drawing.find("fast") < drawing.find("slow"), "{drawing}");
    }
}
