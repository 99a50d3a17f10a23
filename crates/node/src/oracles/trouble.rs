//! Why a key of an oracle is not counted on for something new, in words that say what to do.

use protocol::{Problem, ProblemType};
use terms::{Hex32, UnixSeconds};

/// What keeps a key from being counted on for something new.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyTrouble {
    /// Another key has taken its place.
    #[error(
        "{key} announces nothing new: {successor} has taken its place, since unix second {since}, and both keys have signed \
         that. What {key} announced goes on. To count on {successor}, add an [[oracle]] with url \"{url}\" and that key to \
         the configuration, leave the old one there until its escrows have ended, and start the node again. `earnest oracle \
         list` shows the statement"
    )]
    Succeeded {
        /// The key of the configuration.
        key: Hex32,
        /// The oracle's present key.
        successor: Hex32,
        /// When it was said that the first other key took its place, in unix seconds.
        since: UnixSeconds,
        /// The oracle's address.
        url: String,
    },
    /// The server has another key, for which nothing speaks.
    #[error(
        "the server at {url} says that its key is {shown}, and nothing that {key} has signed leads to that one. Ask the \
         oracle's operator what has happened before you count on either"
    )]
    Foreign {
        /// The key of the configuration.
        key: Hex32,
        /// The key that the server shows.
        shown: Hex32,
        /// The oracle's address.
        url: String,
    },
    /// The key is not in the configuration; a former one of the same oracle is.
    #[error(
        "{key} is not an oracle of this node's configuration. It has taken the place of {pinned}, which is, and both keys \
         have signed that. To count on it, add an [[oracle]] with url \"{url}\" and that key, leave the old one there until \
         its escrows have ended, and start the node again. `earnest oracle list` shows the statement"
    )]
    NotPinned {
        /// The key that was asked for.
        key: Hex32,
        /// The key of the configuration.
        pinned: Hex32,
        /// The oracle's address.
        url: String,
    },
}

impl KeyTrouble {
    /// What the owner is told.
    pub(crate) fn problem(&self) -> Problem {
        Problem::new(ProblemType::Conflict, self.to_string()).at("oracles.keys")
    }

    /// What a peer is told: whom this node counts on is no business of theirs.
    pub(crate) fn problem_for_peer(&self) -> Problem {
        let text = "an oracle of these terms announces nothing new with its key";
        Problem::new(ProblemType::Conflict, text).at("oracles.keys")
    }
}
