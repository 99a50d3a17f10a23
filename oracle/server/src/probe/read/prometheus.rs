//! Prometheus' text format: one sample among many, by its name and labels.

use std::borrow::Cow;

use terms::{Decimal, Label};

use crate::probe::cause::Cause;

/// The value of the one sample of this name that has these labels. Lines that are not of the format are passed over.
pub(super) fn reading(text: &[u8], name: &str, labels: &[Label]) -> Result<Decimal, Cause> {
    let mut found = None;
    for line in text.split(|byte| *byte == b'\n') {
        let Some(value) = std::str::from_utf8(line).ok().and_then(|line| value_of(line, name, labels)) else {
            continue;
        };
        if found.replace(value).is_some() {
            return Err(Cause::SeveralReadings);
        }
    }
    Decimal::from_number(found.ok_or(Cause::NoReading)?).ok_or(Cause::NotANumber)
}

/// The value of a line, as it is written, if the line is a sample of this name with these labels among others.
fn value_of<'a>(line: &'a str, name: &str, wanted: &[Label]) -> Option<&'a str> {
    let rest = line.trim_start().strip_prefix(name)?;
    let is_whole_name = rest.starts_with(|c: char| c == '{' || c.is_ascii_whitespace());
    let rest = rest.trim_start();
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let has =
        |wanted: &Label| labels.iter().any(|(name, value)| *name == wanted.name && *value == wanted.value);
    let value = rest.split_ascii_whitespace().next()?;
    (is_whole_name && wanted.iter().all(has)).then_some(value)
}

type Labels<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// The labels behind an opening brace, and what follows the closing one.
fn labels(mut rest: &str) -> Option<(Labels<'_>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = quoted(after.trim_start().strip_prefix('"')?)?;
        labels.push((name.trim_end(), value));
        rest = after.trim_start();
        rest = match rest.strip_prefix(',') {
            Some(after) => after,
            None if rest.starts_with('}') => rest,
            None => return None,
        };
    }
}

/// A text behind an opening quote, its escapes undone, and what follows the closing one.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = text.find(['"', '\\'])?;
    let (plain, rest) = text.split_at(end);
    if let Some(after) = rest.strip_prefix('"') {
        return Some((Cow::Borrowed(plain), after));
    }
    let mut value = plain.to_owned();
    let mut left = rest.chars();
    loop {
        match left.next()? {
            '"' => return Some((Cow::Owned(value), left.as_str())),
            '\\' => value.push(match left.next()? {
                'n' => '\n',
                other @ ('\\' | '"') => other,
                _ => return None,
            }),
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400",} 3 1395066363000
http_requests_total_created 17
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find \"it\":\n}"} 1.458255915e9
metric_without_labels 12.47
 indented { a = "b" , c="d" } -0.5
nothing NaN
everything{le="+Inf"} +Inf
broken{a="b" 1
broken{a="b\q"} 2
broken 3 4 5
gigantic 123456789012345678901
"#;

    fn read(name: &str, labels: &[(&str, &str)]) -> Result<String, Cause> {
        let label =
            |(name, value): &(&str, &str)| Label { name: (*name).to_owned(), value: (*value).to_owned() };
        let labels: Vec<Label> = labels.iter().map(label).collect();
        reading(PAGE.as_bytes(), name, &labels).map(|value| value.to_string())
    }

    #[test]
    fn a_sample_is_found_by_name_and_some_of_its_labels() {
        assert_eq!(read("http_requests_total", &[("code", "200")]).unwrap(), "1027");
        assert_eq!(read("http_requests_total", &[("code", "400"), ("method", "post")]).unwrap(), "3");
        assert_eq!(read("metric_without_labels", &[]).unwrap(), "12.47");
        assert_eq!(read("indented", &[("c", "d")]).unwrap(), "-0.5");
        let file = [("path", "C:\\DIR\\FILE.TXT"), ("error", "Cannot find \"it\":\n}")];
        assert_eq!(read("msdos_file_access_time_seconds", &file).unwrap(), "1458255915");
        assert_eq!(read("broken", &[]).unwrap(), "3");
    }

    #[test]
    fn what_is_not_one_number_is_no_reading() {
        assert_eq!(read("http_requests_total", &[]), Err(Cause::SeveralReadings));
        assert_eq!(read("http_requests_total", &[("code", "500")]), Err(Cause::NoReading));
        assert_eq!(read("http_requests", &[]), Err(Cause::NoReading));
        assert_eq!(read("broken", &[("a", "b")]), Err(Cause::NoReading));
        assert_eq!(read("HELP", &[]), Err(Cause::NoReading));
        assert_eq!(read("nothing", &[]), Err(Cause::NotANumber));
        assert_eq!(read("everything", &[]), Err(Cause::NotANumber));
        assert_eq!(read("gigantic", &[]), Err(Cause::NotANumber));
        assert_eq!(reading(b"\xff\xfe 1\n\0", "a", &[]), Err(Cause::NoReading));
    }
}
