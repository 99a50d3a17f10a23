//! Checks of what the nodes have stored: the escrow's events, receipts, and the transcript of the negotiation.

use protocol::owner::{EscrowView, HistoryEntry};

use crate::checks::check;
use crate::papers::Book;
use crate::record::Check;
use crate::scenario::{ExpectedReceipts, Party, Scenario, StoredEvent};
use crate::text;

/// The events that the scenario expects in this order at each node, and those that it expects nowhere.
pub fn events(scenario: &Scenario, views: &[Option<EscrowView>; 2]) -> Vec<Check> {
    let mut checks = Vec::new();
    for (who, view) in [Party::Provider, Party::Buyer].into_iter().zip(views) {
        let of = |events: &[StoredEvent]| -> Vec<String> {
            events.iter().filter(|event| event.who == who).map(|event| event.event.clone()).collect()
        };
        let (expected, never) = (of(&scenario.expect.events), of(&scenario.expect.never));
        let stored = view.as_ref().map(|view| view.history.iter().map(name).collect::<Vec<_>>());
        let stored = stored.as_deref();
        if !expected.is_empty() {
            checks.push(in_order(who, &expected, stored));
        }
        if !never.is_empty() {
            checks.push(none_of(who, &never, stored));
        }
    }
    checks
}

/// An event's name, and of an observed state what was observed.
fn name(entry: &HistoryEntry) -> String {
    match entry.detail.get("status").and_then(serde_json::Value::as_str) {
        Some(status) if entry.event == "observed" => format!("observed {status}"),
        _ => entry.event.clone(),
    }
}

fn in_order(who: Party, expected: &[String], stored: Option<&[String]>) -> Check {
    let what = format!("events at the {}, in this order", who.name());
    let seen = stored.map_or(0, |stored| matched(expected, stored));
    let got = match stored {
        None => "it is offline".to_owned(),
        Some(_) if seen == 0 => "none of them".to_owned(),
        Some(_) => expected[..seen].join(", "),
    };
    check(&what, expected.join(", "), got, || {
        let missing = expected.get(seen)?;
        let all = stored?.join(", ");
        Some(format!("{missing} does not follow; the {} stored: {all}", who.name()))
    })
}

/// How many of the expected events, from the first on, stand in this order among the stored ones.
fn matched(expected: &[String], stored: &[String]) -> usize {
    let mut left = stored.iter();
    expected.iter().take_while(|event| left.any(|stored| stored == *event)).count()
}

fn none_of(who: Party, never: &[String], stored: Option<&[String]>) -> Check {
    let what = format!("events never seen at the {}", who.name());
    let expected = format!("none of {}", never.join(", "));
    let found = stored.into_iter().flatten().find(|event| never.contains(event));
    let got = match (stored, found) {
        (None, _) => "it is offline".to_owned(),
        (_, Some(event)) => event.clone(),
        (_, None) => expected.clone(),
    };
    check(&what, expected, got, || Some(format!("the {} stored: {}", who.name(), stored?.join(", "))))
}

/// That the receipts of both nodes verify, and come to what the scenario expects.
pub fn receipts(scenario: &Scenario, books: &[Book]) -> Vec<Check> {
    let fault = books.iter().find_map(|book| Some(format!("the {}'s: {}", book.who, book.fault.as_ref()?)));
    let mut checks = vec![check("receipts of both nodes", "verify", fault.unwrap_or_else(verify), || None)];
    let expected = &scenario.expect.receipts;
    for (who, expected) in [(Party::Provider, &expected.provider), (Party::Buyer, &expected.buyer)] {
        if let Some(expected) = expected {
            checks.push(come_to(who, expected, books.iter().find(|book| book.who == who.name())));
        }
    }
    checks
}

/// That the transcript verifies at both nodes; `faults` is what is wrong with those that don't.
pub fn transcripts(faults: &[String]) -> Check {
    let got = faults.first().cloned().unwrap_or_else(verify);
    check("transcripts of both nodes", "verify", got, || None)
}

fn verify() -> String {
    "verify".to_owned()
}

fn come_to(who: Party, expected: &ExpectedReceipts, book: Option<&Book>) -> Check {
    let in_words = |movements: u64, total: &dyn Fn(&str, terms::Sat) -> terms::Sat| {
        let totals = expected.totals.iter();
        let totals = totals.map(|(purpose, sat)| format!("{purpose} {}", text::sat(total(purpose, *sat))));
        let all = [text::counted(movements, "movement", "movements")].into_iter().chain(totals);
        all.collect::<Vec<_>>().join(", ")
    };
    let wanted = in_words(expected.movements, &|_, sat| sat);
    let got = book.map_or_else(
        || "it is offline".to_owned(),
        |book| in_words(book.receipts.len() as u64, &|purpose, _| book.total(purpose)),
    );
    check(&format!("receipts at the {}", who.name()), wanted, got, || {
        let lines = book?.receipts.iter().map(|line| {
            let sign = if line.takes_back { "−" } else { "" };
            format!("{} {sign}{} to {}", line.purpose, text::sat(line.sat), line.paid_to)
        });
        Some(format!("the lines are: {}", lines.collect::<Vec<_>>().join("; ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn events_may_have_others_between_them_and_must_keep_their_order() {
        let stored = names(&["opened", "offer_made", "accept_taken", "observed funded", "attested"]);
        let check = |expected: &[&str]| in_order(Party::Buyer, &names(expected), Some(&stored));
        assert!(check(&["offer_made", "observed funded", "attested"]).holds);
        let wrong = check(&["offer_made", "attested", "observed funded"]);
        assert_eq!((wrong.holds, wrong.got.as_str()), (false, "offer_made, attested"));
        let why = wrong.why.unwrap();
        assert!(why.starts_with("observed funded does not follow; the buyer stored: opened, "), "{why}");
        assert!(!in_order(Party::Buyer, &names(&["opened"]), None).holds, "who is offline shows nothing");
    }

    #[test]
    fn an_event_that_should_never_be_seen_is_named() {
        let stored = names(&["opened", "refund_built"]);
        let check = |never: &[&str]| none_of(Party::Provider, &names(never), Some(&stored));
        assert!(check(&["cet_built"]).holds);
        assert_eq!(check(&["cet_built", "refund_built"]).got, "refund_built");
    }
}
