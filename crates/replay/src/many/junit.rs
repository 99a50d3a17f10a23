//! A catalogue's results as JUnit XML, which build servers show.

use super::result::{Run, Verdict};

/// One suite, a case for each scenario: a failed check is a failure, a run that broke off an error.
pub(super) fn xml(runs: &[Run]) -> String {
    let failures = runs.iter().filter(|run| !run.passed() && run.record().is_some()).count();
    let errors = runs.iter().filter(|run| run.record().is_none()).count();
    let cases: String = runs.iter().map(case).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites>\n<testsuite name=\"earnest replay\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\">\n\
         {cases}</testsuite>\n</testsuites>\n",
        runs.len()
    )
}

fn case(run: &Run) -> String {
    let (folder, name) = run.name.rsplit_once('/').unwrap_or(("scenarios", &run.name));
    let head = format!(
        "<testcase classname=\"{}\" name=\"{}\" time=\"{}.{:03}\"",
        escaped(folder),
        escaped(name),
        run.took.as_secs(),
        run.took.subsec_millis()
    );
    if run.passed() {
        return format!("{head}/>\n");
    }
    let kind = if matches!(run.verdict, Verdict::Broke(_)) { "error" } else { "failure" };
    let reasons = run.reasons();
    let first = reasons.first().and_then(|why| why.lines().next()).unwrap_or("it failed");
    format!(
        "{head}>\n<{kind} message=\"{}\">{}</{kind}>\n</testcase>\n",
        escaped(first),
        escaped(&reasons.join("\n"))
    )
}

/// Text for XML 1.0, in which most control characters can't be said at all.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn broken(name: &str, why: &str) -> Run {
        Run {
            name: name.to_owned(),
            file: "x.toml".into(),
            took: Duration::from_millis(1_050),
            page: None,
            verdict: Verdict::Broke(why.to_owned()),
        }
    }

    #[test]
    fn whatever_a_run_says_is_text() {
        let xml = xml(&[broken("faults/a\"b", "x < y & z\u{1b}[0m\nsecond")]);
        let read = roxmltree::Document::parse(&xml).unwrap();
        let case = read.descendants().find(|node| node.has_tag_name("testcase")).unwrap();
        assert_eq!((case.attribute("classname"), case.attribute("name")), (Some("faults"), Some("a\"b")));
        assert_eq!(case.attribute("time"), Some("1.050"));
        let error = case.first_element_child().unwrap();
        assert_eq!(error.attribute("message"), Some("x < y & z\u{fffd}[0m"));
        assert_eq!(error.text(), Some("x < y & z\u{fffd}[0m\nsecond"));
    }
}
