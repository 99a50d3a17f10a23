//! Both distributions as a drawing that stands alone, in the manner of a replay's report, and readable without colour.

use calendar::words::{length, thousands};
use maud::{Markup, PreEscaped, html};
use negotiation::outlook::Outlook;
use negotiation::words::percent;

use super::histogram::{Bar, share_ppm};

/// All measures are pixels.
const WIDTH: u64 = 880;
const LABELS: u64 = 250;
const LONGEST: u64 = 500;
const ROW: u64 = 26;
const THICK: u64 = 17;

/// So many characters fit into a line.
const MOST_CHARS: usize = 115;

const STYLE: &str = "text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',Arial,sans-serif;\
fill:#1b2430}.head{font-size:19px;font-weight:650}.strong{font-size:15px;font-weight:650}.soft{fill:#566273}\
.edge{fill:none;stroke:#1b2430;stroke-width:1}.provider{fill:#2f5bb7}.buyer{fill:#fbe8d2}.windows{fill:#566273}";

/// Draws what imagined windows come to.
pub fn draw(service: &str, outlook: &Outlook, outcomes: &[Bar], payouts: &[Bar]) -> String {
    let runs = outlook.forecast.map_or(0, |forecast| forecast.windows);
    let second = 138 + ROW * outcomes.len() as u64 + 62;
    let height = second + ROW * payouts.len() as u64 + 72;
    let drawing = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {height}")) width=(WIDTH) height=(height)
            role="img" aria-label="what may come of an agreement" {
            style { (PreEscaped(STYLE)) }
            (hatch())
            rect width=(WIDTH) height=(height) fill="#ffffff" {}
            text class="head" x="24" y="36" { "What may come of an agreement" }
            text class="soft" x="24" y="58" { (fitting(&outlook.target)) }
            text class="soft" x="24" y="78" {
                (fitting(&format!("{} imagined windows of {}: {service}", thousands(runs), length(outlook.window.seconds()))))
            }
            text class="strong" x="24" y="116" { "Outcomes, and who gets what of price and bond" }
            (legend(116))
            (bars(outcomes, runs, 126, true))
            text class="strong" x="24" y=(second - 14) { "What the buyer gets, in satoshis" }
            (bars(payouts, runs, second - 4, false))
            (means(outlook, height - 40))
        }
    };
    drawing.into_string()
}

/// Lines across the buyer's part, so that colour is not needed.
fn hatch() -> Markup {
    html! {
        defs {
            pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                line x1="0" y1="0" x2="0" y2="7" stroke="#b4600b" stroke-width="2" {}
            }
        }
    }
}

fn legend(y: u64) -> Markup {
    html! {
        rect class="provider" x="560" y=(y - 11) width="26" height="12" {}
        text class="soft" x="592" y=(y) { "provider" }
        rect class="buyer" x="680" y=(y - 11) width="26" height="12" {}
        rect fill="url(#hatch)" x="680" y=(y - 11) width="26" height="12" {}
        rect class="edge" x="680" y=(y - 11) width="26" height="12" {}
        text class="soft" x="712" y=(y) { "buyer" }
    }
}

fn bars(bars: &[Bar], runs: u64, top: u64, is_split: bool) -> Markup {
    let highest = bars.iter().map(|bar| bar.windows).max().unwrap_or(0).max(1);
    html! {
        @for (row, bar) in (0..).zip(bars) {
            @let y = top + ROW * row;
            @let long = (bar.windows * LONGEST / highest).max(1);
            text x=(LABELS - 12) y=(y + 14) text-anchor="end" { (bar.label) }
            @if is_split { (split(bar, y, long)) } @else { rect class="windows" x=(LABELS) y=(y) width=(long) height=(THICK) {} }
            text class="soft" x=(LABELS + long + 10) y=(y + 14) { (percent(share_ppm(bar.windows, runs))) }
        }
    }
}

/// A bar cut into the provider's part and the buyer's.
fn split(bar: &Bar, y: u64, long: u64) -> Markup {
    let provider = long * bar.provider_ppm / 1_000_000;
    let (left, buyer) = (LABELS + provider, long - provider);
    html! {
        rect class="provider" x=(LABELS) y=(y) width=(provider) height=(THICK) {}
        rect class="buyer" x=(left) y=(y) width=(buyer) height=(THICK) {}
        rect fill="url(#hatch)" x=(left) y=(y) width=(buyer) height=(THICK) {}
        rect class="edge" x=(LABELS) y=(y) width=(long) height=(THICK) {}
    }
}

fn means(outlook: &Outlook, y: u64) -> Markup {
    let Some(forecast) = outlook.forecast else { return html! {} };
    html! {
        text class="soft" x="24" y=(y) {
            "In the mean the provider gets " (thousands(forecast.provider_expected_sat.0)) " sat and the buyer "
            (thousands(forecast.buyer_expected_sat.0)) " sat."
        }
        text class="soft" x="24" y=(y + 20) {
            "In 95 of 100 windows the provider gets " (thousands(forecast.provider_in_95_percent_sat.0)) " sat or more."
        }
    }
}

/// A line that fits the drawing.
fn fitting(text: &str) -> String {
    let mut shown: String = text.chars().take(MOST_CHARS).collect();
    if text.chars().count() > MOST_CHARS {
        shown.push('…');
    }
    shown
}
