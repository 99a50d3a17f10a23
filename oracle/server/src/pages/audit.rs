//! How to check an event, with the exact commands.

use axum::http::HeaderValue;
use maud::{Markup, html};
use protocol::oracle::EventState;
use terms::EventId;

/// This oracle's address as the reader knows it; a placeholder where the request does not say.
pub(super) fn address(host: Option<&HeaderValue>) -> String {
    let host = host.and_then(|host| host.to_str().ok()).filter(|host| is_host(host));
    host.map_or_else(|| "http://ORACLE".to_owned(), |host| format!("http://{host}"))
}

/// Nothing else goes into a command that somebody copies into a shell.
fn is_host(host: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    (1..=255).contains(&host.len()) && host.bytes().all(allowed)
}

/// The section of an event's page.
pub(super) fn section(state: EventState, id: &EventId, at: &str) -> Markup {
    let closed = matches!(state, EventState::Provisional | EventState::Attested);
    html! {
        section {
            h2 { "Check it yourself" }
            @if closed {
                p { "The evidence holds all samples, the seed of the probes' moments, the root and its place in the public log. The audit "
                    "computes the outcome again, offline, and checks every signature:" }
                pre { "curl -fsS " (at) "/v1/events/" (id) "/evidence > bundle.json\nearnest-oracle audit bundle.json" }
                p.soft { a href=(format!("/v1/events/{id}/evidence")) download=(format!("{id}.json")) { "The evidence bundle" } }
            } @else {
                p { "The evidence is complete once the window is closed. Until then the samples so far give the outcome so far:" }
                pre { "curl -fsS " (at) "/v1/events/" (id) " | jq .measurement > measurement.json\ncurl -fsS " (at) "/v1/events/" (id)
                    "/samples > samples.csv\nearnest-oracle measure measurement.json samples.csv --explain" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_host_does_not_get_into_a_command() {
        let of = |host: &'static str| address(Some(&HeaderValue::from_static(host)));
        assert_eq!(of("oracle.example:7800"), "http://oracle.example:7800");
        assert_eq!(of("[::1]:7800"), "http://[::1]:7800");
        for hostile in ["a;rm -rf ~", "$(id)", "a b", "", "a/../b", "`x`"] {
            assert_eq!(of(hostile), "http://ORACLE", "{hostile}");
        }
        assert_eq!(address(None), "http://ORACLE");
    }
}
