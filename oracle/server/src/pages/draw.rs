//! Bits of SVG that the drawings share. Coordinates are whole tenths of a pixel, so nothing here is a float.

use std::fmt;

use maud::{Markup, html};

/// A coordinate in tenths of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Px(pub u64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 10 {
            0 => write!(f, "{}", self.0 / 10),
            tenth => write!(f, "{}.{tenth}", self.0 / 10),
        }
    }
}

impl maud::Render for Px {
    fn render_to(&self, buffer: &mut String) {
        buffer.push_str(&self.to_string());
    }
}

/// `value` of `whole` on a length in tenths.
pub(super) fn scaled(value: u64, whole: u64, length: u64) -> u64 {
    let share = u128::from(value.min(whole)) * u128::from(length) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(length)
}

/// The two widths in which drawings with text are made; CSS shows the one that fits, so that text has the same size
/// everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Canvas {
    Wide,
    Narrow,
}

impl Canvas {
    pub(super) const BOTH: [Self; 2] = [Self::Wide, Self::Narrow];

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Wide => "chart wide",
            Self::Narrow => "chart narrow",
        }
    }

    /// One of two, as fits.
    pub(super) fn either<T>(self, wide: T, narrow: T) -> T {
        match self {
            Self::Wide => wide,
            Self::Narrow => narrow,
        }
    }
}

/// Draws for both widths.
pub(super) fn both(draw: impl Fn(Canvas) -> Markup) -> Markup {
    html! { @for canvas in Canvas::BOTH { (draw(canvas)) } }
}

/// The pattern for what nobody knows, once for a page: no colour is needed to see it.
pub(super) fn patterns() -> Markup {
    html! {
        svg.defs aria-hidden="true" width="0" height="0" {
            defs {
                pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect.unknown-wash width="5" height="5" {}
                    line.unknown-line x1="0" y1="0" x2="0" y2="5" stroke-width="2.4" {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_have_at_most_one_decimal() {
        assert_eq!(
            (Px(120).to_string(), Px(123).to_string(), Px(7).to_string()),
            ("12".into(), "12.3".into(), "0.7".into())
        );
    }

    #[test]
    fn a_scale_stays_in_its_bounds() {
        assert_eq!((scaled(1, 4, 1000), scaled(9, 4, 1000), scaled(1, 0, 1000)), (250, 1000, 0));
        assert_eq!(scaled(u64::MAX, u64::MAX, 7_000), 7_000);
    }
}
