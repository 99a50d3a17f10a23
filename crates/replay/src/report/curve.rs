//! The payout curve: who gets what at every outcome, with the attested one on it.
#![allow(clippy::float_arithmetic, reason = "pixels, not money")]

use maud::{Markup, html};
use terms::{Indicator, Outcome, OutcomeValue, PayoutTable, Piece, Sat, Scale, Segment};

use super::draw::{Canvas, Px, float};
use crate::record::{Record, Split};
use crate::text;

const TOP: f64 = 34.0;
const HEIGHT: f64 = 210.0;
/// Scales longer than this are drawn on a logarithmic axis.
const LOG_FROM: u64 = 2_000;
/// Below this a logarithmic axis is nearly linear, so that it can begin at zero.
const LOG_KNEE: f64 = 100.0;

/// A scale this short has a tick at every value.
const FEW: u64 = 24;

struct Tick {
    value: u64,
    x: f64,
    label: String,
    anchor: &'static str,
    left: f64,
    right: f64,
}

impl Tick {
    fn touches(&self, other: &Self) -> bool {
        self.left < other.right + 9.0 && other.left < self.right + 9.0
    }
}

struct Plot<'a> {
    record: &'a Record,
    canvas: Canvas,
    segments: Vec<Segment>,
    max: u64,
    total: u64,
    left: f64,
    right: f64,
}

/// The curve; `None` for a scale of named levels, or a schedule that doesn't compile.
pub(super) fn draw(record: &Record, canvas: Canvas) -> Option<Markup> {
    let Scale::Numeric(scale) = &record.agreement.measurement.outcome else { return None };
    let PayoutTable::Numeric { total_sat, segments, .. } = record.agreement.compile().ok()? else {
        return None;
    };
    let segments = segments.into_iter().filter(|segment| segment.start < scale.indeterminate_from).collect();
    let (gutter, columns) = if canvas == Canvas::Wide { (84.0, 150.0) } else { (62.0, 66.0) };
    let right = canvas.width() - columns;
    let plot =
        Plot { record, canvas, segments, max: scale.max.0, total: total_sat.0.max(1), left: gutter, right };
    Some(plot.svg())
}

impl Plot<'_> {
    fn svg(&self) -> Markup {
        let width = self.canvas.width();
        html! {
            svg class=(format!("chart {}", self.canvas.class())) viewBox=(format!("0 0 {width} {}", TOP + HEIGHT + 60.0))
                role="img" aria-label="what each side gets at every outcome" {
                (self.hatch())
                (self.areas())
                (self.y_axis())
                (self.x_axis())
                (self.side_column())
                (self.marker())
            }
        }
    }

    fn is_log(&self) -> bool {
        self.max > LOG_FROM
    }

    fn x(&self, value: u64) -> f64 {
        let share = if self.is_log() {
            (float(value.min(self.max)) / LOG_KNEE).ln_1p() / (float(self.max) / LOG_KNEE).ln_1p()
        } else {
            float(value.min(self.max)) / float(self.max.max(1))
        };
        self.left + share * (self.right - self.left)
    }

    fn y(&self, provider_sat: u64) -> f64 {
        TOP + HEIGHT - HEIGHT * float(provider_sat) / float(self.total)
    }

    /// Lines across the buyer's part, so that colour is not needed to tell the two apart.
    fn hatch(&self) -> Markup {
        html! {
            defs {
                pattern id=(format!("curve-{}", self.canvas.class())) width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    line x1="0" y1="0" x2="0" y2="7" stroke="#e8c596" stroke-width="2" {}
                }
            }
        }
    }

    /// The border between the two parts, from left to right.
    fn border(&self) -> String {
        let mut path = String::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let verb = if index == 0 { "M" } else { "L" };
            let from = Px(self.x(segment.start.0));
            let to = Px(self.x(segment.end.0.saturating_add(1).min(self.max)));
            let y = Px(self.y(segment.provider_sat.0));
            path += &format!("{verb}{from} {y}L{to} {y}");
        }
        path
    }

    fn areas(&self) -> Markup {
        let (left, right, bottom) = (Px(self.left), Px(self.right), Px(TOP + HEIGHT));
        let border = self.border();
        let whole = format!("M{left} {}H{right}V{bottom}H{left}z", Px(TOP));
        html! {
            path class="buyer-wash" d=(whole) {}
            path fill=(format!("url(#curve-{})", self.canvas.class())) d=(whole) {}
            path class="provider-wash" d=(format!("{border}V{bottom}H{left}z")) {}
            path class="edge" d=(border) {}
            text class="provider-ink strong" x=(Px(self.left + 12.0)) y=(Px(TOP + HEIGHT - 12.0)) { "provider gets" }
            text class="buyer-ink strong" x=(Px(self.right - 12.0)) y=(Px(TOP + 20.0)) text-anchor="end" { "buyer gets" }
        }
    }

    fn y_axis(&self) -> Markup {
        let bond = self.record.agreement.bond_sat.0;
        let mut ticks = vec![0, self.total];
        if bond * 8 > self.total && (self.total - bond) * 8 > self.total {
            ticks.push(bond);
        }
        html! {
            @for sat in ticks {
                @let y = self.y(sat);
                line class="grid" x1=(Px(self.left - 5.0)) x2=(Px(self.left)) y1=(Px(y)) y2=(Px(y)) {}
                text class="soft tiny" x=(Px(self.left - 9.0)) y=(Px(y + 4.0)) text-anchor="end" { (text::thousands(sat)) }
            }
            @if self.canvas == Canvas::Wide {
                text class="soft tiny" x="0" y=(Px(TOP - 14.0)) { "satoshis" }
            }
        }
    }

    /// Ticks where the schedule changes, as far as their labels have room; a ramp shows its ends.
    fn ticks(&self) -> Vec<Tick> {
        let mut ticks = vec![self.tick(0), self.tick(self.max)];
        let pieces = match &self.record.agreement.payout.schedule {
            terms::Schedule::Numeric { pieces, .. } => pieces.as_slice(),
            terms::Schedule::Levels(_) => &[],
        };
        // The last value before a step is the round number that schedules name.
        let named = |piece: &Piece| if self.is_log() { piece.from.0.saturating_sub(1) } else { piece.from.0 };
        let between = (1..self.max).filter(|_| self.max <= FEW);
        for value in pieces.iter().map(named).chain(between) {
            let tick = self.tick(value);
            if ticks.iter().all(|other| !tick.touches(other)) {
                ticks.push(tick);
            }
        }
        ticks
    }

    fn is_share(&self) -> bool {
        text::unit(&self.record.measurement.outcome) == "ppm"
    }

    fn caption(&self) -> String {
        let unit = text::unit(&self.record.measurement.outcome);
        match self.record.measurement.indicator {
            Indicator::Lateness { .. } => format!("{unit} after the deadline"),
            _ if self.is_share() => "ppm of failures, and per cent of uptime".to_owned(),
            _ => unit.to_owned(),
        }
    }

    fn tick(&self, value: u64) -> Tick {
        let x = self.x(value);
        let label = if self.canvas == Canvas::Narrow { text::compact(value) } else { text::thousands(value) };
        let below = if self.is_share() { text::percent(1_000_000u64.saturating_sub(value)).len() } else { 0 };
        let width = 6.9 * float(label.len().max(below).max(4) as u64);
        let (anchor, left) = match value {
            0 => ("start", x),
            _ if value == self.max => ("end", x - width),
            _ => ("middle", x - width / 2.0),
        };
        Tick { value, x, label, anchor, left, right: left + width }
    }

    fn x_axis(&self) -> Markup {
        let bottom = TOP + HEIGHT;
        html! {
            line class="axis" x1=(Px(self.left)) x2=(Px(self.right)) y1=(Px(bottom)) y2=(Px(bottom)) {}
            @for tick in self.ticks() {
                line class="axis" x1=(Px(tick.x)) x2=(Px(tick.x)) y1=(Px(bottom)) y2=(Px(bottom + 5.0)) {}
                text class="tiny" x=(Px(tick.x)) y=(Px(bottom + 19.0)) text-anchor=(tick.anchor) { (tick.label) }
                @if self.is_share() {
                    text class="soft tiny" x=(Px(tick.x)) y=(Px(bottom + 35.0)) text-anchor=(tick.anchor) {
                        (text::percent(1_000_000u64.saturating_sub(tick.value)))
                    }
                }
            }
            text class="soft tiny" x=(Px(self.left)) y=(Px(bottom + if self.is_share() { 53.0 } else { 37.0 })) { (self.caption()) }
        }
    }

    /// Beside the axis: what "no data" pays; in a run that ended in a refund, that instead.
    fn side_column(&self) -> Markup {
        let agreement = &self.record.agreement;
        let refunded = self.record.transactions.settling.as_ref().is_some_and(|tx| tx.kind == "refund");
        let indeterminate = agreement.compile().ok().and_then(|table| table.at(&Outcome::Indeterminate));
        let (label, provider) = match (refunded, indeterminate) {
            (true, _) => ("refund", agreement.bond_sat),
            (false, Some(sat)) => ("no data", sat),
            (false, None) => return html! {},
        };
        let left = self.column_left();
        let width = if self.canvas == Canvas::Wide { 56.0 } else { 34.0 };
        let y = self.y(provider.0);
        let hatch = format!("url(#curve-{})", self.canvas.class());
        html! {
            rect class="buyer-wash" x=(Px(left)) y=(Px(TOP)) width=(Px(width)) height=(Px(y - TOP)) {}
            rect fill=(hatch) x=(Px(left)) y=(Px(TOP)) width=(Px(width)) height=(Px(y - TOP)) {}
            rect class="provider-wash" x=(Px(left)) y=(Px(y)) width=(Px(width)) height=(Px(TOP + HEIGHT - y)) {}
            path class="edge" d=(format!("M{} {}h{}", Px(left), Px(y), Px(width))) {}
            text class="tiny" x=(Px(left + width / 2.0)) y=(Px(TOP + HEIGHT + 19.0)) text-anchor="middle" { (label) }
        }
    }

    fn column_left(&self) -> f64 {
        self.right + if self.canvas == Canvas::Wide { 42.0 } else { 22.0 }
    }

    fn marker(&self) -> Markup {
        let split = self.record.payouts.agreed;
        let column = self.column_left() + if self.canvas == Canvas::Wide { 28.0 } else { 17.0 };
        match (&self.record.outcome, split) {
            (Some(Outcome::Value(value)), Some(split)) => {
                self.marked(self.x(value.0), split, &self.label(*value))
            }
            (Some(Outcome::Indeterminate), Some(split)) => {
                self.marked(column, split, "attested: indeterminate")
            }
            (None, Some(split)) => self.marked(column, split, "nothing attested"),
            _ => html! {},
        }
    }

    fn label(&self, value: OutcomeValue) -> String {
        format!("attested: {}", text::outcome(&Outcome::Value(value), &self.record.measurement.outcome))
    }

    fn marked(&self, x: f64, split: Split, label: &str) -> Markup {
        let y = self.y(split.provider_sat.0);
        let half = float(label.len() as u64) * 3.9;
        let anchor = if x - half < 0.0 {
            "start"
        } else if x + half > self.canvas.width() {
            "end"
        } else {
            "middle"
        };
        let at = if anchor == "end" {
            self.canvas.width()
        } else if anchor == "start" {
            x.min(self.left)
        } else {
            x
        };
        html! {
            line class="mark" x1=(Px(x)) x2=(Px(x)) y1=(Px(TOP - 8.0)) y2=(Px(TOP + HEIGHT)) {}
            text class="strong" x=(Px(at)) y=(Px(TOP - 14.0)) text-anchor=(anchor) { (label) }
            circle class="dot" cx=(Px(x)) cy=(Px(y)) r="6" {}
            (self.amounts(x, split))
        }
    }

    /// Both amounts in a box beside the marker, on whichever side has room.
    fn amounts(&self, x: f64, split: Split) -> Markup {
        let lines = [("buyer", split.buyer_sat), ("provider", split.provider_sat)];
        let amount =
            |sat: Sat| if self.canvas == Canvas::Wide { text::sat(sat) } else { text::thousands(sat.0) };
        let longest = lines.iter().map(|(_, sat)| amount(*sat).len()).max().unwrap_or(0);
        let width = 84.0 + float(longest as u64) * 7.6;
        let left =
            if x + 12.0 + width < self.canvas.width() { x + 12.0 } else { (x - 12.0 - width).max(0.0) };
        let y = self.y(split.provider_sat.0);
        let top = if y + 70.0 < TOP + HEIGHT - 26.0 { y + 16.0 } else { (y - 66.0).max(TOP + 6.0) };
        html! {
            rect class="callout" x=(Px(left)) y=(Px(top)) width=(Px(width)) height="50" rx="6" {}
            @for ((name, sat), line) in lines.iter().zip([20.0, 40.0]) {
                text class=(format!("tiny {name}-ink")) x=(Px(left + 11.0)) y=(Px(top + line)) { (name) }
                text class=(format!("strong {name}-ink")) x=(Px(left + width - 11.0)) y=(Px(top + line)) text-anchor="end" { (amount(*sat)) }
            }
        }
    }
}
