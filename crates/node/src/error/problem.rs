//! What whoever asked is told of an error: the owner all of it, a peer what is its business.

use contract::Message;
use protocol::request::CredentialError;
use protocol::{Problem, ProblemType};
use storage::StoreError;

use super::NodeError;

impl NodeError {
    /// What whoever asked is told (RFC 9457). A failure of our own says nothing about its inside.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Document(error) => error.into(),
            Self::Offer(error) => error.into(),
            Self::Card(error) => error.into(),
            Self::Envelope(error) => error.into(),
            Self::OracleKey(trouble) => trouble.problem(),
            Self::Session(error) => error.into(),
            Self::Listing(error) => error.into(),
            Self::Credential(error) => credential_problem(error),
            Self::OlderListing { .. } => {
                Problem::new(ProblemType::Conflict, rule(&self.to_string())).at("at")
            }
            Self::Gate(error) => self.say(ProblemType::BadInput).at(error.field.to_string()),
            // What the owner allows is told whole, limit and figures: a reader may show nothing but the detail.
            Self::Mandate(refusal) => self.say(ProblemType::Mandate).at(refusal.limit()),
            Self::NeedsApproval(_) => self.say(ProblemType::ApprovalRequired).at("approve_above_sat"),
            Self::Denied { .. } | Self::TooManyQuestions { .. } => {
                self.say(ProblemType::Mandate).at("approve_above_sat")
            }
            Self::NotItsOwn { .. } => self.say(ProblemType::Mandate).at("key"),
            Self::Step(_) | Self::Unexpected { .. } | Self::Reused { .. } => self.say(ProblemType::Conflict),
            Self::Talk(refusal) => talk_problem(refusal),
            Self::StillOnItsWay | Self::Busy => self.say(ProblemType::Unavailable),
            Self::OtherTerms | Self::OtherHash { .. } => self.say(ProblemType::Conflict).at("terms_hash"),
            Self::Coins(_) => self.say(ProblemType::InsufficientFunds),
            Self::Payment(wallet::SpendError::Insufficient { .. } | wallet::SpendError::NothingToSend) => {
                self.say(ProblemType::InsufficientFunds)
            }
            Self::Payment(_) | Self::UnknownOracle { .. } => self.say(ProblemType::BadInput),
            Self::Doubt(doubt) => doubt.problem(),
            Self::TooFewSettled { .. } => self.say(ProblemType::Mandate).at("reputation.min_settled"),
            Self::NotFinished { .. } | Self::TooManyReferences => self.say(ProblemType::Conflict),
            Self::NotMeasuredForUs { .. } => {
                Problem::new(ProblemType::BadUpstream, rule(&self.to_string())).at("oracles.keys")
            }
            Self::RenewsNothing => self.say(ProblemType::Mandate),
            Self::NotRenewable { .. } => self.say(ProblemType::Conflict),
            Self::NotFound { .. } => self.say(ProblemType::NotFound),
            Self::TooManySessions(_) | Self::TooManyExchanges | Self::TooSoon(_) | Self::NoPlace { .. } => {
                self.say(ProblemType::RateLimited)
            }
            Self::Client(_) | Self::Silent | Self::Checkpoint(_) => self.say(ProblemType::BadUpstream),
            Self::Chain(_) | Self::Follow(_) | Self::Broadcast(_) | Self::NotBackedUp => {
                self.say(ProblemType::Unavailable)
            }
            Self::Store(StoreError::DiskFull) => self.say(ProblemType::Unavailable),
            Self::Store(StoreError::Exists { .. } | StoreError::Reserved { .. }) => {
                self.say(ProblemType::Conflict)
            }
            Self::Store(_)
            | Self::Rehearsed(_)
            | Self::Sign(_)
            | Self::Wallet(_)
            | Self::Seed(_)
            | Self::Damaged { .. }
            | Self::Randomness
            | Self::NoBlock { .. }
            | Self::File { .. }
            | Self::Backup(_)
            | Self::Config(_) => Problem::new(ProblemType::Internal, "an internal error; see the node's log"),
        }
    }

    /// What a peer is told: as [`NodeError::problem`], without what is the owner's business.
    pub fn problem_for_peer(&self) -> Problem {
        match self {
            Self::OracleKey(trouble) => trouble.problem_for_peer(),
            Self::Mandate(_) | Self::Denied { .. } => {
                Problem::new(ProblemType::Mandate, "this node's owner does not allow it")
            }
            Self::NeedsApproval(_) | Self::TooManyQuestions { .. } => {
                Problem::new(ProblemType::Unavailable, "this node cannot answer at present; send it again")
            }
            Self::Coins(_) => {
                Problem::new(ProblemType::InsufficientFunds, "not enough free coins at present")
            }
            Self::Chain(_) | Self::Follow(_) | Self::Broadcast(_) | Self::Client(_) => {
                Problem::new(ProblemType::Unavailable, "this node cannot see the chain at present")
            }
            Self::NotBackedUp => {
                Problem::new(ProblemType::Unavailable, "this node cannot sign at present; send it again")
            }
            Self::Gate(error) if error.message == Message::Own => {
                Problem::new(ProblemType::Internal, "an internal error")
            }
            Self::Store(StoreError::Exists { .. } | StoreError::Reserved { .. }) => {
                Problem::new(ProblemType::Conflict, "it contradicts what is there")
            }
            _ => self.problem(),
        }
    }

    fn say(&self, kind: ProblemType) -> Problem {
        Problem::new(kind, self.to_string())
    }
}

fn talk_problem(refusal: &negotiation::session::Refusal) -> Problem {
    use negotiation::session::Refusal;
    let (kind, field) = match refusal {
        Refusal::OutOfTurn { .. } => return Problem::new(ProblemType::Conflict, refusal.to_string()),
        Refusal::NoMoreCounters { .. } => (ProblemType::Conflict, "rounds"),
        Refusal::OtherTerms { .. } => (ProblemType::Conflict, "terms_hash"),
        Refusal::Expired { .. } => (ProblemType::Expired, "expires"),
    };
    let text = refusal.to_string();
    let rule = text.split_once(": ").map_or(text.as_str(), |(_, rule)| rule).to_owned();
    Problem::new(kind, rule).at(field)
}

fn credential_problem(error: &CredentialError) -> Problem {
    let kind = match error {
        // Whoever signs afresh, with the right clock, is heard.
        CredentialError::Time { .. } => ProblemType::Unauthorized,
        CredentialError::Signature => ProblemType::BadSignature,
    };
    Problem::new(kind, rule(&error.to_string())).at(format!("authorization.{}", error.field()))
}

/// The words of an error without the field that they begin with.
fn rule(text: &str) -> &str {
    text.split_once(": ").map_or(text, |(_, rule)| rule)
}
