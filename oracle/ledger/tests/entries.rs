//! What stands in a log stays readable, to the byte: a leaf that reads otherwise one day is another leaf.

use ledger::Entry;

const ID: &str = "sla1-0707070707070707070707070707070707070707070707070707070707070707";
const HASH: &str = "0909090909090909090909090909090909090909090909090909090909090909";

/// One of each type as they were first written, and the forms that came later.
fn leaves() -> Vec<String> {
    let verdict = format!(
        "{{\"bad\":1,\"good\":19,\"index\":3,\"samples_sha256\":\"{HASH}\",\"start\":1623110400,\"state\":\"bad\",\
         \"undecided\":0}}"
    );
    vec![
        format!("{{\"event_id\":\"{ID}\",\"type\":\"slice\",\"verdict\":{verdict}}}"),
        format!(
            "{{\"event_id\":\"{ID}\",\"outcome\":{{\"value\":1002}},\"root\":\"{HASH}\",\"slices\":12,\"type\":\"closed\"}}"
        ),
        format!("{{\"attestation\":\"fdd868\",\"event_id\":\"{ID}\",\"type\":\"attested\"}}"),
        format!(
            "{{\"at\":1623110400,\"event_id\":\"{ID}\",\"reason\":\"We were cut off.\",\"type\":\"withheld\"}}"
        ),
        format!(
            "{{\"announcement_sha256\":\"{HASH}\",\"at\":1623110400,\"event_id\":\"{ID}\",\"type\":\"announced\"}}"
        ),
        format!(
            "{{\"announcement_sha256\":\"{HASH}\",\"at\":1623110400,\"event_id\":\"{ID}\",\"seed_commitment\":\"{HASH}\",\
             \"type\":\"announced\",\"vantages\":[{{\"name\":\"local\"}},{{\"key\":\"{HASH}\",\"name\":\"north\"}}]}}"
        ),
    ]
}

#[test]
fn every_type_of_entry_keeps_its_bytes() {
    for leaf in leaves() {
        let entry: Entry = serde_json::from_str(&leaf).unwrap_or_else(|error| panic!("{leaf}: {error}"));
        assert_eq!(String::from_utf8_lossy(&entry.leaf()), leaf);
    }
}

#[test]
fn an_entry_with_more_than_this_program_knows_is_none() {
    for leaf in leaves() {
        let more = leaf.replacen('{', "{\"and\":1,", 1);
        assert!(serde_json::from_str::<Entry>(&more).is_err(), "{more}");
    }
    assert!(
        serde_json::from_str::<Entry>(&format!("{{\"event_id\":\"{ID}\",\"type\":\"rumour\"}}")).is_err()
    );
}
