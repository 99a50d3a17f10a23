//! Scales and bits of SVG that the drawings share.
#![allow(clippy::float_arithmetic, reason = "pixels, not money")]

use std::fmt;

/// A coordinate: written with one decimal, which is finer than any screen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Px(pub f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.1}", self.0);
        f.write_str(text.strip_suffix(".0").unwrap_or(&text))
    }
}

impl maud::Render for Px {
    fn render_to(&self, buffer: &mut String) {
        buffer.push_str(&self.to_string());
    }
}

/// Amounts and moments become pixels; below 2^53 a float holds them exactly.
#[expect(clippy::cast_precision_loss, reason = "documents hold no number above 2^53 - 1")]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

/// A linear scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
    pub from: u64,
    pub to: u64,
    pub left: f64,
    pub right: f64,
}

impl Linear {
    pub(crate) fn at(&self, value: u64) -> f64 {
        let span = float(self.to.saturating_sub(self.from)).max(1.0);
        let share = float(value.saturating_sub(self.from)) / span;
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }
}

/// The two widths in which every drawing is made: pages and paper, and phones. CSS shows one of them, so that text
/// in a drawing has the same size everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Canvas {
    Wide,
    Narrow,
}

impl Canvas {
    pub(crate) const BOTH: [Self; 2] = [Self::Wide, Self::Narrow];

    pub(crate) fn width(self) -> f64 {
        match self {
            Self::Wide => 880.0,
            Self::Narrow => 340.0,
        }
    }

    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}
