//! Spans as a `[[timeline]]`.

use std::fmt::Write as _;

use terms::{TimeRange, UnixSeconds};

use super::spans::{Severity, Span};
use crate::text;

/// The spans as TOML, with a comment of how many slots each has, for somebody to go on with.
pub fn timeline(spans: &[Span], grid_s: u64) -> String {
    let mut out = String::new();
    for span in spans {
        let slots = span.range.seconds() / grid_s.max(1);
        let length = text::length(span.range.seconds());
        // Writing to a String does not fail.
        let _ = writeln!(out, "[[timeline]]");
        let _ = writeln!(
            out,
            "from  = \"{}\"   # {length}, {}",
            text::iso(span.range.start),
            text::counted(slots, "slot", "slots")
        );
        let _ = writeln!(out, "until = \"{}\"", text::iso(span.range.end));
        let _ = match span.severity {
            Severity::Down => writeln!(out, "down  = true"),
            Severity::Share(share) => writeln!(out, "error_share_ppm = {}", share.0),
        };
        if let Some(note) = &span.note {
            let _ = writeln!(out, "note  = {}", toml::Value::String(note.chars().take(200).collect()));
        }
        out.push('\n');
    }
    match whole(spans) {
        Some(range) => format!("{}\n{out}", about(spans, range)),
        None => "# Nothing went wrong.\n".to_owned(),
    }
}

fn whole(spans: &[Span]) -> Option<TimeRange> {
    Some(TimeRange { start: spans.first()?.range.start, end: spans.last()?.range.end })
}

/// What a scenario around it needs: a window of whole days.
fn about(spans: &[Span], range: TimeRange) -> String {
    let day = |at: u64| UnixSeconds(at / 86_400 * 86_400);
    let (start, end) = (day(range.start.0), day(range.end.0 + 86_399));
    format!(
        "# {}. A window of whole days around: \"{} / {}\"",
        text::counted(spans.len() as u64, "stretch of time", "stretches of time"),
        text::iso(start),
        text::iso(end)
    )
}
