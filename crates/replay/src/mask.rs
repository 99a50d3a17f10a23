//! Takes out of a run's JSON what differs from run to run, so that two runs can be compared.
//!
//! What is random in a run is random for good: the oracle's key and nonces, serial numbers in DLC messages, and so every
//! signature, transaction and hash. All of it is hex. Everything else, moments and amounts among it, follows from the
//! scenario.

use serde_json::Value;

/// So many hex digits in a row are a key, a hash or bytes; the longest number has 16.
const HEX_RUN: usize = 32;

/// Numbers that follow from what is random: an output's place, and a size in which the signatures' lengths count.
const NUMBERS: [&str; 2] = ["vout", "vsize"];

/// Lists whose order follows from serial numbers.
const LISTS: [&str; 2] = ["inputs", "outputs"];

/// The same with `*` for every 32 or more hex digits in a row (and for an output's number behind them), 0 for `vout` and
/// `vsize`, and `inputs` and `outputs` in order of what is left.
///
/// ```
/// use serde_json::json;
///
/// let run = json!({ "txid": "5d".repeat(32), "vout": 1, "value_sat": 50_000 });
/// assert_eq!(replay::mask::masked(&run), json!({ "txid": "*", "vout": 0, "value_sat": 50_000 }));
/// ```
pub fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_hex(text)),
        Value::Array(list) => list.iter().map(masked).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), field(key, value))).collect(),
        other => other.clone(),
    }
}

fn field(key: &str, value: &Value) -> Value {
    match masked(value) {
        Value::Number(_) if NUMBERS.contains(&key) => Value::from(0),
        Value::Array(mut list) if LISTS.contains(&key) => {
            list.sort_by_key(Value::to_string);
            Value::Array(list)
        }
        other => other,
    }
}

fn without_hex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let run = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        if run >= HEX_RUN {
            out.push('*');
            rest = without_place(&rest[run..]);
        } else {
            let step = run + rest[run..].chars().next().map_or(0, char::len_utf8);
            out.push_str(&rest[..step]);
            rest = &rest[step..];
        }
    }
    out
}

/// Takes `:1` away, as it stands behind a transaction's id.
fn without_place(rest: &str) -> &str {
    let Some(after) = rest.strip_prefix(':') else { return rest };
    let kept = after.trim_start_matches(|c: char| c.is_ascii_digit());
    if kept.len() < after.len() { kept } else { rest }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_go_wherever_they_stand_and_words_stay() {
        let key = "a1".repeat(32);
        let run =
            json!({ "got": format!("sla1-{key}, {key}:12 spent"), "word": "deadbeef or facade", "at": 5 });
        let expected = json!({ "got": "sla1-*, * spent", "word": "deadbeef or facade", "at": 5 });
        assert_eq!(masked(&run), expected);
    }

    #[test]
    fn outputs_in_another_order_are_the_same() {
        let outputs = |list: Value| masked(&json!({ "outputs": list }));
        let (a, b) = (json!({ "vout": 0, "value_sat": 1 }), json!({ "vout": 1, "value_sat": 2 }));
        let (c, d) = (json!({ "vout": 0, "value_sat": 2 }), json!({ "vout": 1, "value_sat": 1 }));
        assert_eq!(outputs(json!([a, b])), outputs(json!([c, d])));
    }
}
