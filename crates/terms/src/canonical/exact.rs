//! Compares a document as written with the document as understood.

use serde_json::Value;

/// The first field that was written otherwise than its meaning is written, and the rule that it breaks.
pub(super) fn first_difference(written: &Value, meant: &Value) -> Option<(String, String)> {
    let mut path = String::new();
    let rule = difference(written, meant, &mut path)?;
    let field = if path.is_empty() { super::WHOLE.to_owned() } else { path };
    Some((field, rule))
}

/// Leaves in `path` where the difference is.
fn difference(written: &Value, meant: &Value, path: &mut String) -> Option<String> {
    match (written, meant) {
        (Value::Object(written), Value::Object(meant)) => written.iter().find_map(|(key, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            at(path, &format!("{dot}{key}"), |path| match meant.get(key) {
                Some(same) => difference(value, same, path),
                None => Some("says nothing and must be left out".to_owned()),
            })
        }),
        (Value::Array(written), Value::Array(meant)) => {
            written.iter().zip(meant).enumerate().find_map(|(index, (value, same))| {
                at(path, &format!("[{index}]"), |path| difference(value, same, path))
            })
        }
        (Value::Array(_), Value::Object(_)) => Some("must be an object with named fields".to_owned()),
        _ if written == meant => None,
        _ => Some(format!("must be written as {meant}")),
    }
}

/// Looks one step deeper; takes the step back when nothing was found there.
fn at(path: &mut String, step: &str, look: impl FnOnce(&mut String) -> Option<String>) -> Option<String> {
    let here = path.len();
    path.push_str(step);
    let found = look(path);
    if found.is_none() {
        path.truncate(here);
    }
    found
}
