//! Free text from a peer: bounded data, never an instruction.

use terms::DocumentError;

/// The most characters of a reason, a detail or a note.
pub const MAX_TEXT_CHARS: usize = 1_000;

/// The most characters of a machine-readable code.
pub const MAX_CODE_CHARS: usize = 64;

/// The most characters of a URL.
pub const MAX_URL_CHARS: usize = 500;

/// Free text: at most [`MAX_TEXT_CHARS`] characters, no control characters except the line feed, so
/// that it can neither fill a log nor steer a terminal.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn check_text(field: &str, text: &str) -> Result<(), DocumentError> {
    // Four bytes is the longest character, so a megabyte is refused without counting it.
    if text.len() > 4 * MAX_TEXT_CHARS || text.chars().count() > MAX_TEXT_CHARS {
        return Err(rule(field, "must have at most 1000 characters"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(rule(field, "must not contain control characters"));
    }
    Ok(())
}

/// One line of free text: at most `most` characters, none that [steers](is_steering) a terminal.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn check_line(field: &str, text: &str, most: usize) -> Result<(), DocumentError> {
    if text.len() > 4 * most || text.chars().count() > most {
        return Err(DocumentError::new(field, format!("must have at most {most} characters")));
    }
    if text.chars().any(is_steering) {
        return Err(rule(field, "must not contain line breaks, control characters or changes of direction"));
    }
    Ok(())
}

/// A stranger's text as one line for a terminal or a log: at most `most` characters, with a space in the place of whatever
/// [steers](is_steering). What is cut off is said so.
///
/// ```
/// # use protocol::text::one_line;
/// assert_eq!(one_line("a\u{1b}[2Jb\nc", 80), "a [2Jb c");
/// assert_eq!(one_line("abcdef", 4), "abc…");
/// ```
pub fn one_line(text: &str, most: usize) -> String {
    let harmless = |c: char| if is_steering(c) { ' ' } else { c };
    match text.char_indices().nth(most) {
        None => text.chars().map(harmless).collect(),
        Some(_) => text.chars().map(harmless).take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Whether a character makes a terminal or a reader do something else than show it: control characters, breaks of lines,
/// and those that change the direction of what stands around them.
pub fn is_steering(c: char) -> bool {
    let changes_direction =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || changes_direction || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// A code: 1 to [`MAX_CODE_CHARS`] of `a-z`, `0-9`, `-` and `_`.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn check_code(field: &str, code: &str) -> Result<(), DocumentError> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if code.is_empty() || code.len() > MAX_CODE_CHARS || !code.bytes().all(allowed) {
        return Err(rule(field, "must be 1 to 64 characters of a-z, 0-9, - and _"));
    }
    Ok(())
}

/// A base URL: `http` or `https`, printable ASCII without spaces, at most [`MAX_URL_CHARS`] long.
///
/// # Errors
/// Names the field and the rule that it breaks.
pub fn check_url(field: &str, url: &str) -> Result<(), DocumentError> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    if !rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) {
        return Err(rule(field, "must be an http or https URL"));
    }
    if url.len() > MAX_URL_CHARS || !url.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(rule(field, "must be at most 500 printable ASCII characters without spaces"));
    }
    Ok(())
}

fn rule(field: &str, rule: &str) -> DocumentError {
    DocumentError::new(field, rule)
}
