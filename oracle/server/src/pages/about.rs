//! `/about`: who this oracle is.

use std::sync::Arc;

use axum::extract::State as Extract;
use axum::response::Response;
use maud::{Markup, html};
use protocol::oracle::OracleInfo;

use super::answer::{self, PageError};
use super::shell::{self, Head};
use super::words;
use crate::config::Config;
use crate::oracle::Oracle;
use crate::views;

pub(super) async fn show(Extract(oracle): Extract<Arc<Oracle>>) -> Result<Response, PageError> {
    let size = oracle.store.log().await?.size();
    let head = Head { title: "About this oracle", refresh_s: None, now_s: Some(oracle.clock.now_s()) };
    let body = body(&oracle, &views::info(&oracle), size);
    Ok(answer::page(&shell::page(&head, &body)))
}

fn body(oracle: &Oracle, info: &OracleInfo, log_size: u64) -> Markup {
    html! {
        h1 { "About this oracle" }
        p.lede {
            "It probes services, publishes every sample, and signs one outcome for each agreed window. Two parties who locked "
            "bitcoin on such an outcome settle by the signature alone; who they are, and whether there are any, it never learns."
        }
        @if info.simulated_time {
            p.warning { "Its time is simulated and its key is worthless: this is a replay on a private test chain." }
        }
        (keys(oracle, info, log_size))
        (measuring(&oracle.settings().config, info))
        (policy(info))
        (trust())
    }
}

fn keys(oracle: &Oracle, info: &OracleInfo, log_size: u64) -> Markup {
    html! {
        section {
            h2 { "Its keys" }
            dl.facts {
                dt { "Signs announcements and attestations" } dd.mono { (info.pubkey) }
                dt { "Signs the public log" } dd.mono { (oracle.log.public_key()) }
                dt { "Log" } dd { (words::counted(log_size, "entry", "entries")) ", "
                    a href="/checkpoint" { "newest checkpoint" } ", " a href="/v1/log" { "key with the oracle's signature over it" } }
                dt { "Chain" } dd { (info.network) }
                dt { "Program" } dd { "earnest-oracle " (info.version) }
            }
        }
    }
}

fn measuring(config: &Config, info: &OracleInfo) -> Markup {
    html! {
        section {
            h2 { "How it measures" }
            dl.facts {
                dt { "Its own vantage" } dd { (info.vantage) }
                @if !config.remote_vantages.is_empty() {
                    dt { "Vantages elsewhere" } dd { ul.plain { @for vantage in &config.remote_vantages {
                        li { (vantage.name) ", key " span.mono { (vantage.key) } }
                    } } }
                }
                dt { "Its own connection" } dd {
                    @if info.references == 0 {
                        "Not checked: it has no reference targets, so what its own network loses counts against the services."
                    } @else {
                        "When a probe fails, " (info.references_needed) " of " (words::counted(info.references, "reference", "references"))
                        " must answer for it to count."
                    }
                }
                @if info.references > 0 {
                    dt { "References" } dd { ul.plain { @for reference in &config.references { li.mono { (reference.url) } } } }
                }
                dt { "Moments" } dd {
                    @if config.probe.jitter { "Unforeseeable, from a seed that is committed to before the window and revealed after it." }
                    @else { "At the beginning of each slot." }
                }
                dt { "Fastest" } dd { "one probe every " (words::length_ms(info.least_probe_every_ms)) }
                dt { "Certificate authorities" } dd {
                    (words::thousands(info.system_roots)) " of its machine"
                    @if !info.extra_roots.is_empty() { ", and " (words::counted(info.extra_roots.len() as u64, "further one", "further ones")) ":" }
                    @for root in &info.extra_roots { " " span.mono { (root) } }
                }
            }
        }
    }
}

fn policy(info: &OracleInfo) -> Markup {
    html! {
        section {
            h2 { "What it takes and when it signs" }
            dl.facts {
                dt { "Measurements" } dd {
                    @if info.accept == "open" { "from anybody" } @else { "from those it knows (" (info.accept) ")" }
                    ", up to " (words::thousands(info.max_probes)) " probes each"
                }
                dt { "Attestation" } dd { (words::length_s(info.publication_delay_s)) " after a window's end, once, and never before. In between the outcome is public and open to objection." }
            }
        }
    }
}

fn trust() -> Markup {
    html! {
        section {
            h2 { "Whom you trust, and how far" }
            p { "You trust this oracle to have probed, and to have written down what it saw. It can't prove that to you; several "
                "oracles, or probes of your own, can." }
            p { "You need not trust its arithmetic: every outcome follows from published samples by a public definition, which "
                code { "earnest-oracle audit" } " checks on your own machine. It can't change a sample that its log has, measure "
                "something else than was announced, or sign two outcomes of one event without being caught by its own signatures." }
            p { "It never holds money. If it vanishes or refuses to sign, contracts on it end by refund." }
            p.soft { "All of it is public: " a href="/v1/info" { "/v1/info" } ", " a href="/v1/events" { "/v1/events" } ", " a href="/checkpoint" { "/checkpoint" } "." }
        }
    }
}
