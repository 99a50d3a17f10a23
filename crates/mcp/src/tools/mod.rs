//! The tools, one file for each subject.

mod buy;
mod close;
mod discover;
mod escrow;
mod limits;
mod negotiate;
mod negotiation;
mod offer;
mod order;
mod orders;
mod plan;
mod purchase;
mod quote;
mod reach;
mod receipts;
mod renew;
mod status;

use crate::refusal::Refusal;
use crate::tool::Entry;

/// The longest idempotency key that the node takes.
const LONGEST_KEY: usize = 128;

/// All tools, in the order in which they are listed.
pub(crate) fn all() -> Vec<Entry> {
    vec![
        Entry::of::<discover::Discover>(),
        Entry::of::<quote::Quote>(),
        Entry::of::<buy::Buy>(),
        Entry::of::<negotiate::Start>(),
        Entry::of::<negotiate::Counter>(),
        Entry::of::<negotiate::Accept>(),
        Entry::of::<negotiate::Reject>(),
        Entry::of::<negotiate::Withdraw>(),
        Entry::of::<renew::Renew>(),
        Entry::of::<orders::Create>(),
        Entry::of::<orders::List>(),
        Entry::of::<orders::Cancel>(),
        Entry::of::<status::Status>(),
        Entry::of::<close::Close>(),
        Entry::of::<close::AnswerClose>(),
        Entry::of::<receipts::Receipts>(),
        Entry::of::<limits::Mandate>(),
        Entry::of::<limits::Balance>(),
    ]
}

/// How many things are shown: as many as asked for, from 1 to the most there may be.
fn shown(limit: Option<usize>, usually: usize, most: usize) -> Result<usize, Refusal> {
    let limit = limit.unwrap_or(usually);
    let fits = (1..=most).contains(&limit);
    fits.then_some(limit).ok_or_else(|| Refusal::bad_argument("limit", &format!("must be 1 to {most}")))
}

/// The key under which a call is done once: the given one, or a fresh one.
fn idempotency_key(given: Option<String>) -> Result<String, Refusal> {
    if let Some(key) = given {
        let fits = (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        let rule = "must be 1 to 128 visible ASCII characters";
        return if fits { Ok(key) } else { Err(Refusal::bad_argument("idempotency_key", rule)) };
    }
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| {
        Refusal::bad_argument("idempotency_key", "must be given: this machine gives no randomness")
    })?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Map, Value};

    use super::*;

    /// Everything that a client sees, as it sees it.
    fn listed() -> Vec<Value> {
        all().iter().map(|entry| serde_json::to_value(&entry.listed).unwrap()).collect()
    }

    fn has_reference(value: &Value) -> bool {
        match value {
            Value::Object(fields) => {
                fields.iter().any(|(name, field)| name == "$ref" || has_reference(field))
            }
            Value::Array(items) => items.iter().any(has_reference),
            _ => false,
        }
    }

    fn described(schema: &Value) -> bool {
        let none = Map::new();
        let fields = schema["properties"].as_object().unwrap_or(&none);
        fields.values().all(|field| field["description"].as_str().is_some_and(|text| text.len() > 5))
    }

    #[test]
    fn every_tool_says_what_it_is_for_and_describes_each_argument_and_answer() {
        let names: BTreeSet<_> = listed().iter().map(|tool| tool["name"].to_string()).collect();
        assert_eq!(names.len(), listed().len(), "each name once");
        for tool in listed() {
            assert!(tool["title"].is_string() && tool["description"].as_str().unwrap().len() > 40, "{tool}");
            for schema in [&tool["inputSchema"], &tool["outputSchema"]] {
                assert_eq!(schema["type"], "object", "{tool}");
                assert!(described(schema), "{}: {schema}", tool["name"]);
                assert!(!has_reference(schema), "{}", tool["name"]);
            }
            assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{}", tool["name"]);
        }
    }

    #[test]
    fn what_only_looks_says_so_and_nothing_else_does() {
        let looking: Vec<String> = listed()
            .iter()
            .filter(|tool| tool["annotations"]["readOnlyHint"] == true)
            .map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect();
        let expected = [
            "discover_offers",
            "quote_offer",
            "list_standing_orders",
            "get_status",
            "list_receipts",
            "get_mandate",
            "get_balance",
        ];
        assert_eq!(looking, expected);
        for tool in listed().iter().filter(|tool| tool["annotations"]["readOnlyHint"] == false) {
            let hints = &tool["annotations"];
            assert_eq!(
                (&hints["destructiveHint"], &hints["openWorldHint"]),
                (&true.into(), &true.into()),
                "{tool}"
            );
        }
    }

    #[test]
    fn a_limit_has_bounds_that_its_refusal_names() {
        assert_eq!((shown(None, 10, 50).unwrap(), shown(Some(50), 10, 50).unwrap()), (10, 50));
        for wrong in [0, 51] {
            let refusal = shown(Some(wrong), 10, 50).unwrap_err();
            assert_eq!(
                (refusal.field.as_deref(), refusal.message.as_str()),
                (Some("limit"), "limit: must be 1 to 50")
            );
        }
    }

    #[test]
    fn a_key_is_fresh_or_the_one_that_was_given() {
        assert_ne!(idempotency_key(None).unwrap(), idempotency_key(None).unwrap());
        assert_eq!(idempotency_key(Some("retry-1".to_owned())).unwrap(), "retry-1");
        for wrong in ["", "two words", "line\nfeed", &"x".repeat(129)] {
            let refusal = idempotency_key(Some(wrong.to_owned())).unwrap_err();
            assert_eq!(refusal.field.as_deref(), Some("idempotency_key"), "{wrong}");
        }
    }
}
