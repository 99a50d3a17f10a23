//! What is wrong with a file, and where.

use contract::{GateError, Message};
use terms::DocumentError;

/// The first thing that is wrong with a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in the file, such as `envelopes[3].sig`.
    pub place: String,
    /// What is wrong there.
    pub why: String,
}

impl Fault {
    /// Something is wrong at a place.
    pub(crate) fn at(place: impl Into<String>, why: impl ToString) -> Self {
        Self { place: place.into(), why: why.to_string() }
    }

    /// The same fault, in a file that holds this one in a field.
    pub(crate) fn within(self, outer: &str) -> Self {
        Self { place: format!("{outer}.{}", self.place), ..self }
    }

    /// What the gate found; `message` says where a DLC message stands.
    pub(crate) fn of_gate(error: &GateError, message: impl Fn(Message) -> Option<usize>) -> Self {
        let place = match error.message {
            Message::Announcement(index) => format!("announcements[{index}].{}", error.field),
            kind => match message(kind) {
                Some(at) => format!("envelopes[{at}].body.message_hex"),
                None => format!("agreement.{}", error.field),
            },
        };
        Self::at(place, error)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { place, why } = self;
        match why.strip_prefix(place.as_str()).and_then(|rest| rest.strip_prefix(": ")) {
            Some(rest) => write!(f, "{place}: {rest}"),
            None => write!(f, "{place}: {why}"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<DocumentError> for Fault {
    fn from(error: DocumentError) -> Self {
        Self::at(error.field, error.rule)
    }
}
