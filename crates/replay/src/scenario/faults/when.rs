//! When a fault begins: at a moment, or at a step of the escrow.

use terms::{Sat, UnixSeconds};

use super::super::cast::Cast;
use super::super::error::ScenarioError;
use super::super::reader::{Field, Table};
use super::super::stored::LASTING;
use super::super::words;
use super::hit::Victim;
use crate::text;

/// When a fault begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// At a moment.
    At(UnixSeconds),
    /// As soon as the replay sees the escrow in this state at this party.
    Reached {
        /// The party.
        who: Victim,
        /// The state's name.
        state: &'static str,
    },
    /// When the two nodes first say this to each other: it does not arrive.
    Said(&'static str),
    /// When this has first arrived and is answered: who said it does not hear so.
    Heard(&'static str),
}

impl When {
    /// The moment, where it is known beforehand.
    pub fn moment(&self) -> Option<UnixSeconds> {
        match self {
            Self::At(at) => Some(*at),
            Self::Reached { .. } | Self::Said(_) | Self::Heard(_) => None,
        }
    }

    /// What the two nodes say to each other at this step.
    pub fn message(&self) -> Option<&'static str> {
        match self {
            Self::Said(message) | Self::Heard(message) => Some(message),
            Self::At(_) | Self::Reached { .. } => None,
        }
    }

    /// In words.
    pub fn words(&self, cast: &Cast) -> String {
        match self {
            Self::At(at) => format!("at {}", text::stamp(*at)),
            Self::Reached { who, state } => format!("when it is {state} at the {}", who.name(cast)),
            Self::Said(message) => format!("when {message} is first said, which does not arrive"),
            Self::Heard(message) => {
                format!("when {message} has first arrived, and who said it does not hear so")
            }
        }
    }
}

/// What the two nodes say to each other, in its order.
const MESSAGES: [&str; 6] = ["rfq", "quote", "accept", "dlc_offer", "dlc_accept", "dlc_sign"];

/// What comes as an answer, where the buyer makes the DLC offer; and where the provider does, which locks nothing.
const ANSWERS: [[&str; 2]; 2] = [["quote", "dlc_accept"], ["dlc_offer", "dlc_sign"]];

const ONE_MOMENT: &str = "must say when it begins with either at or at_step";

/// Reads when the fault of a table begins; `bond` is what the provider locks.
pub(super) fn read(table: &Table<'_>, starts: u64, bond: Sat) -> Result<When, ScenarioError> {
    let at = table.read("at", |field| after_the_start(field, starts))?;
    let step = table.read("at_step", |field| step(field, bond))?;
    match (at, step) {
        (Some(at), None) => Ok(When::At(at)),
        (None, Some(step)) => Ok(step),
        _ => Err(table.error(ONE_MOMENT)),
    }
}

pub(super) fn after_the_start(field: &Field<'_>, starts: u64) -> Result<UnixSeconds, ScenarioError> {
    let at = field.parse(words::moment)?;
    match at.0 < starts {
        true => {
            Err(field
                .error("must not come before simulated time starts (the window's start less chain.lead)"))
        }
        false => Ok(at),
    }
}

fn step(field: &Field<'_>, bond: Sat) -> Result<When, ScenarioError> {
    let rule = || {
        let (states, messages) = (LASTING.join(", "), MESSAGES.join(", "));
        field.error(format!(
            "must be such as \"provider: funded\", \"said: dlc_sign\" or \"heard: dlc_sign\"; states are {states}; messages \
             {messages}"
        ))
    };
    let (who, what) = field.text()?.split_once(':').ok_or_else(rule)?;
    let among = |names: &[&'static str]| names.iter().find(|name| **name == what.trim()).copied();
    let step = match who.trim() {
        "said" => among(&MESSAGES).map(When::Said),
        "heard" => among(&MESSAGES).map(When::Heard),
        "provider" => among(&LASTING).map(|state| When::Reached { who: Victim::Provider, state }),
        "buyer" => among(&LASTING).map(|state| When::Reached { who: Victim::Buyer, state }),
        _ => None,
    };
    match step.ok_or_else(rule)? {
        When::Heard(message) if is_answer(message, bond) => Err(field
            .error(format!("{message} comes as an answer here: say when it is said, or what is said next"))),
        step => Ok(step),
    }
}

/// Nobody confirms that an answer has arrived.
fn is_answer(message: &str, bond: Sat) -> bool {
    let [buyer_offers, provider_offers] = ANSWERS;
    message == "quote" || if bond.0 > 0 { buyer_offers } else { provider_offers }.contains(&message)
}
