//! What is around every page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{draw, words};
use crate::overview::State;

/// The one style sheet, inside each page.
pub(super) const STYLE: &str = include_str!("style.css");

/// What a page's head says.
pub(super) struct Head<'a> {
    /// The page's title.
    pub title: &'a str,
    /// Ask for it again after so many seconds.
    pub refresh_s: Option<u64>,
    /// When it was made, in unix seconds.
    pub now_s: Option<u64>,
}

/// A whole page.
pub(super) fn page(head: &Head<'_>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(seconds) = head.refresh_s { meta http-equiv="refresh" content=(seconds); }
                title { (head.title) " · Earnest oracle" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (draw::patterns())
                header.top {
                    a.brand href="/" { b { "Earnest" } " oracle" }
                    nav { a href="/" { "Services" } " " a href="/about" { "About this oracle" } }
                }
                main { (body) }
                (foot(head))
            }
        }
    }
}

fn foot(head: &Head<'_>) -> Markup {
    html! {
        footer {
            @if let Some(now_s) = head.now_s {
                p {
                    "Made at " (time(now_s)) "."
                    @if let Some(seconds) = head.refresh_s { " It renews itself every " (words::length_s(seconds)) "." }
                }
            }
            p {
                "Figures are rounded down, and only what was measured counts in them. What could not be measured is shown "
                "as unknown, neither up nor down."
            }
        }
    }
}

/// A moment, for people and for machines.
pub(super) fn time(unix_s: u64) -> Markup {
    html! { time datetime=(words::iso(unix_s)) { (words::moment(unix_s)) } }
}

/// The same, short.
pub(super) fn short_time(unix_s: u64) -> Markup {
    html! { time.num datetime=(words::iso(unix_s)) { (words::stamp(unix_s)) } }
}

/// A state as a word with a sign of its own shape.
pub(super) fn state(state: State) -> Markup {
    let (class, word) = super::answer::state_word(state);
    html! {
        span class={ "state " (class) } {
            svg viewBox="0 0 16 16" aria-hidden="true" { (sign(state)) }
            (word)
        }
    }
}

fn sign(state: State) -> Markup {
    html! {
        @match state {
            State::Up => path d="M2.5 8.5l3.5 3.5 7.5-8" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round" {},
            State::Down => path d="M3.5 3.5l9 9M12.5 3.5l-9 9" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" {},
            State::Unknown => path d="M5 5.6a3 3 0 1 1 4.4 2.7c-.9.5-1.4 1-1.4 2M8 13.4v.1" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" {},
            State::Idle => path d="M3.5 8h9" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" {},
        }
    }
}
