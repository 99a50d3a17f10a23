//! A strict reader of TOML: each value is taken by name, with its line and path at hand, and what
//! nobody took is an unknown field.
//!
//! Serde would parse the shapes as well, but the rules that matter here concern several fields at
//! once, and their errors must name file, line and field just like a missing comma.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::error::ScenarioError;

/// The largest scenario file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// The most entries of one list.
pub const MAX_ENTRIES: usize = 10_000;

/// The file being read, for the errors.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its path, as the user gave it.
    pub file: &'a Path,
    /// Its text.
    pub text: &'a str,
}

impl Source<'_> {
    /// An error at a place of the text.
    pub fn error(&self, at: usize, field: impl Into<String>, rule: impl Into<String>) -> ScenarioError {
        let before = self.text.as_bytes().get(..at).unwrap_or(self.text.as_bytes());
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        ScenarioError::Rule { file: self.file.to_owned(), line, field: field.into(), rule: rule.into() }
    }

    /// Parses the text.
    ///
    /// # Errors
    /// Names the line at which it stops being TOML, and the key on that line.
    pub fn parse(&self) -> Result<DeTable<'_>, ScenarioError> {
        if self.text.len() > MAX_FILE_BYTES {
            return Err(self.error(0, "file", format!("is longer than {MAX_FILE_BYTES} bytes")));
        }
        match DeTable::parse(self.text) {
            Ok(table) => Ok(table.into_inner()),
            Err(error) => {
                let at = error.span().map_or(self.text.len(), |span| span.start);
                Err(self.error(at, self.key_around(at), format!("is not TOML: {}", error.message())))
            }
        }
    }

    /// The key of the line at which the parser stopped, for want of a path.
    fn key_around(&self, at: usize) -> String {
        let start =
            self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let line = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
        let key = line.split(['=', '#']).next().unwrap_or("").trim().trim_matches(['[', ']']);
        let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        if is_key { key.to_owned() } else { "file".to_owned() }
    }
}

/// A table whose fields are taken one by one.
#[derive(Debug)]
pub struct Table<'a> {
    source: Source<'a>,
    path: String,
    at: usize,
    entries: &'a DeTable<'a>,
    taken: RefCell<BTreeSet<String>>,
}

/// One value with its place.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    source: Source<'a>,
    path: String,
    span: Range<usize>,
    value: &'a DeValue<'a>,
}

impl<'a> Table<'a> {
    /// The whole file.
    pub fn root(source: Source<'a>, entries: &'a DeTable<'a>) -> Self {
        Self { source, path: String::new(), at: 0, entries, taken: RefCell::default() }
    }

    /// A field, if it is given.
    pub fn take(&self, key: &str) -> Option<Field<'a>> {
        #[cfg(test)]
        super::schema::asked(&self.path_of(key));
        let value = self.entries.get(key)?;
        self.taken.borrow_mut().insert(key.to_owned());
        Some(Field {
            source: self.source,
            path: self.path_of(key),
            span: value.span(),
            value: value.get_ref(),
        })
    }

    /// A field that must be given.
    ///
    /// # Errors
    /// Names the field and the line of the table that lacks it.
    pub fn need(&self, key: &str) -> Result<Field<'a>, ScenarioError> {
        self.take(key).ok_or_else(|| self.source.error(self.at, self.path_of(key), "is missing"))
    }

    /// A field turned into a value, if it is given.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn read<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Field<'a>) -> Result<T, ScenarioError>,
    ) -> Result<Option<T>, ScenarioError> {
        self.take(key).map(|field| read(&field)).transpose()
    }

    /// The tables of a list of tables; none when the field is not given.
    ///
    /// # Errors
    /// Refuses what is not a list of tables.
    pub fn tables(&self, key: &str) -> Result<Vec<Table<'a>>, ScenarioError> {
        self.take(key).map_or(Ok(Vec::new()), |field| field.tables())
    }

    /// An error about the whole table.
    pub fn error(&self, rule: impl Into<String>) -> ScenarioError {
        let field = if self.path.is_empty() { "file".to_owned() } else { self.path.clone() };
        self.source.error(self.at, field, rule)
    }

    /// An error about one of the table's fields, at its line when it is given and at the table's when not.
    pub fn error_at(&self, key: &str, rule: impl Into<String>) -> ScenarioError {
        match self.entries.get(key) {
            Some(value) => self.source.error(value.span().start, self.path_of(key), rule),
            None => self.source.error(self.at, self.path_of(key), rule),
        }
    }

    /// Whether a field is given.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Refuses whatever nobody took.
    ///
    /// # Errors
    /// Names the first unknown field.
    pub fn close(self) -> Result<(), ScenarioError> {
        let taken = self.taken.borrow();
        let unknown = self.entries.iter().find(|(key, _)| !taken.contains(key.get_ref().as_ref()));
        match unknown {
            None => Ok(()),
            Some((key, _)) => {
                let path = self.path_of(key.get_ref());
                Err(self.source.error(
                    key.span().start,
                    path,
                    "is not a field of a scenario (docs/scenarios.md lists them)",
                ))
            }
        }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

impl<'a> Field<'a> {
    /// An error about this field.
    pub fn error(&self, rule: impl Into<String>) -> ScenarioError {
        self.source.error(self.span.start, self.path.clone(), rule)
    }

    /// A text.
    ///
    /// # Errors
    /// Refuses any other type.
    pub fn text(&self) -> Result<&'a str, ScenarioError> {
        match self.value {
            DeValue::String(text) => Ok(text.as_ref()),
            other => Err(self.error(format!("must be a text in quotes, not {}", kind(other)))),
        }
    }

    /// A text of at most `most` characters without control characters other than a newline.
    ///
    /// # Errors
    /// Refuses any other.
    pub fn line_of_text(&self, most: usize) -> Result<String, ScenarioError> {
        let text = self.text()?;
        if text.chars().count() > most {
            return Err(self.error(format!("must be at most {most} characters")));
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(self.error("must not contain control characters"));
        }
        Ok(text.to_owned())
    }

    /// A whole number within bounds.
    ///
    /// # Errors
    /// Refuses any other type, and numbers outside.
    pub fn number(&self, range: std::ops::RangeInclusive<u64>) -> Result<u64, ScenarioError> {
        let DeValue::Integer(integer) = self.value else {
            return Err(self.error(format!("must be a whole number, not {}", kind(self.value))));
        };
        u64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| self.error(format!("must be from {} to {}", range.start(), range.end())))
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// Refuses any other type.
    pub fn boolean(&self) -> Result<bool, ScenarioError> {
        match self.value {
            DeValue::Boolean(value) => Ok(*value),
            other => Err(self.error(format!("must be true or false, not {}", kind(other)))),
        }
    }

    /// The value as it would be written in quotes: a text, or a date that was given bare.
    ///
    /// # Errors
    /// Refuses any other type.
    pub fn text_or_date(&self) -> Result<String, ScenarioError> {
        match self.value {
            DeValue::Datetime(date) => Ok(date.to_string()),
            _ => self.text().map(str::to_owned),
        }
    }

    /// Parses a text with one of the functions of [`super::words`], whose error is the rule.
    ///
    /// # Errors
    /// Refuses what is no text, and what `parse` refuses.
    pub fn parse<T>(&self, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, ScenarioError> {
        parse(&self.text_or_date()?).map_err(|rule| self.error(rule))
    }

    /// One of a few words.
    ///
    /// # Errors
    /// Refuses any other, and lists them.
    pub fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, ScenarioError> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let list: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.error(format!("must be one of {}", list.join(", ")))
        })
    }

    /// A table.
    ///
    /// # Errors
    /// Refuses any other type.
    pub fn table(&self) -> Result<Table<'a>, ScenarioError> {
        match self.value {
            DeValue::Table(entries) => Ok(Table {
                source: self.source,
                path: self.path.clone(),
                at: self.span.start,
                entries,
                taken: RefCell::default(),
            }),
            other => Err(self.error(format!("must be a table, not {}", kind(other)))),
        }
    }

    /// A list of tables.
    ///
    /// # Errors
    /// Refuses any other type.
    pub fn tables(&self) -> Result<Vec<Table<'a>>, ScenarioError> {
        self.list(MAX_ENTRIES)?.iter().map(Self::table).collect()
    }

    /// A list of at most `most` values.
    ///
    /// # Errors
    /// Refuses any other type, and longer ones.
    pub fn list(&self, most: usize) -> Result<Vec<Field<'a>>, ScenarioError> {
        let DeValue::Array(list) = self.value else {
            return Err(self.error(format!("must be a list, not {}", kind(self.value))));
        };
        if list.len() > most {
            return Err(self.error(format!("must have at most {most} entries")));
        }
        let entry = |(index, value): (usize, &'a toml::Spanned<DeValue<'a>>)| {
            let path = format!("{}[{index}]", self.path);
            Field { source: self.source, path, span: value.span(), value: value.get_ref() }
        };
        Ok(list.iter().enumerate().map(entry).collect())
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
