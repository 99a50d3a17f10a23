//! Why the node could not do what was asked; [`problem`] says what whoever asked is told.

mod problem;

use contract::Message;
use protocol::request::CredentialError;
use storage::StoreError;

/// Why the node could not do what was asked. Nothing was stored half.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A document, a request or an offer breaks a rule.
    #[error(transparent)]
    Document(#[from] terms::DocumentError),
    /// An offer cannot be published or taken.
    #[error(transparent)]
    Offer(#[from] protocol::OfferError),
    /// A card was refused.
    #[error(transparent)]
    Card(#[from] protocol::CardError),
    /// An envelope was refused.
    #[error(transparent)]
    Envelope(#[from] protocol::EnvelopeError),
    /// An envelope does not continue its session.
    #[error(transparent)]
    Session(#[from] protocol::SessionError),
    /// A contract message, announcement or attestation was refused.
    #[error(transparent)]
    Gate(#[from] contract::GateError),
    /// An oracle announces nothing new with the key that it is held to, or has a key that it is not held to.
    #[error(transparent)]
    OracleKey(#[from] crate::oracles::trouble::KeyTrouble),
    /// A checkpoint of an oracle's log was refused.
    #[error("the checkpoint {0}")]
    Checkpoint(#[from] evidence::CheckpointError),
    /// The owner does not allow it.
    #[error(transparent)]
    Mandate(#[from] mandate::Refusal),
    /// The owner has to be asked first.
    #[error("approve_above_sat: {} sat asked, {} allowed without the owner's word; it waits for `earnest approve {}`",
        .0.request.locked_sat(), .0.above, .0.terms_hash)]
    NeedsApproval(Box<crate::guard::Asked>),
    /// No error: a dry run has come to where something would be done.
    #[error("a dry run ends here")]
    Rehearsed(Box<protocol::owner::DryRun>),
    /// The owner was asked, and refused.
    #[error("approve_above_sat: the owner has denied the terms {terms_hash}")]
    Denied {
        /// Their hash.
        terms_hash: terms::Hex32,
    },
    /// A delegated key speaks, or publishes, where it has no say.
    #[error("key: the {what} is not in the name of the key {key}")]
    NotItsOwn {
        /// What is not.
        what: &'static str,
        /// The key's name.
        key: String,
    },
    /// Too much waits for the owner's word already.
    #[error("approve_above_sat: {most} questions{whose} wait for the owner already")]
    TooManyQuestions {
        /// Whose they are; empty: all together.
        whose: &'static str,
        /// How many may wait.
        most: usize,
    },
    /// The escrow is not at the point where this step is allowed.
    #[error(transparent)]
    Step(#[from] engine::Refusal),
    /// A peer exchanges attestations too often.
    #[error("too many exchanges of attestations; try again in a minute")]
    TooManyExchanges,
    /// A peer does not answer.
    #[error("the peer does not answer in time")]
    Silent,
    /// Not enough free coins.
    #[error(transparent)]
    Coins(#[from] wallet::SelectError),
    /// A payment cannot be built.
    #[error(transparent)]
    Payment(#[from] wallet::SpendError),
    /// An own input could not be signed.
    #[error(transparent)]
    Sign(#[from] wallet::SignError),
    /// The wallet cannot be opened.
    #[error(transparent)]
    Wallet(#[from] wallet::WalletError),
    /// The seed cannot be read.
    #[error(transparent)]
    Seed(#[from] wallet::SeedFileError),
    /// The Bitcoin node failed.
    #[error(transparent)]
    Chain(#[from] wallet::ChainError),
    /// The Bitcoin node's chain cannot be followed.
    #[error(transparent)]
    Follow(#[from] wallet::FollowError),
    /// The Bitcoin node does not take a transaction.
    #[error(transparent)]
    Broadcast(#[from] wallet::BroadcastError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] storage::StoreError),
    /// A peer or an oracle did not do what was asked.
    #[error(transparent)]
    Client(#[from] client::ClientError),
    /// There is no such thing.
    #[error("there is no such {what}")]
    NotFound {
        /// Such as `offer`.
        what: &'static str,
    },
    /// The body does not answer what was said before it.
    #[error("a {got} is not what comes next in this session")]
    Unexpected {
        /// The body's type.
        got: &'static str,
    },
    /// The peer proposes other terms than those that it published.
    #[error("the quote differs from the published offer")]
    OtherTerms,
    /// The hash is not that of the proposed terms.
    #[error("terms_hash: the terms proposed hash to {expected}, not to {got}")]
    OtherHash {
        /// Ours.
        expected: terms::Hex32,
        /// The peer's.
        got: terms::Hex32,
    },
    /// It may not be said at this point of a negotiation.
    #[error(transparent)]
    Talk(#[from] negotiation::session::Refusal),
    /// The same is being done by another request.
    #[error("the purchase that this is about is being asked for again at this moment; try again")]
    Busy,
    /// Our last word has not reached the peer.
    #[error("the last thing that was said here is still on its way")]
    StillOnItsWay,
    /// No `[[oracle]]` of the configuration has this key.
    #[error("oracles.keys: {key} is not an oracle of this node's configuration")]
    UnknownOracle {
        /// The key.
        key: terms::Hex32,
    },
    /// A request came too soon.
    #[error(transparent)]
    TooSoon(#[from] rates::TooSoon),
    /// A later listing of the same key is kept here.
    #[error(
        "at: a listing of this key that was made at {at} is kept here, and none before it takes its place"
    )]
    OlderListing {
        /// When the one was made that is kept.
        at: u64,
    },
    /// There is no place for another listing.
    #[error("there is no place for more than {most} listings from {whose}; there may be one in {wait_s} s")]
    NoPlace {
        /// Such as `this address`.
        whose: &'static str,
        /// How many there may be.
        most: u64,
        /// How long to wait, in seconds.
        wait_s: u64,
    },
    /// A listing was refused.
    #[error(transparent)]
    Listing(#[from] protocol::ListingError),
    /// A request's signature is not good here.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// Too many sessions were opened.
    #[error(transparent)]
    TooManySessions(#[from] crate::visitors::TooManySessions),
    /// The same id or key was used for something else.
    #[error("{what} was used before, with other content")]
    Reused {
        /// Such as `id`.
        what: &'static str,
    },
    /// An oracle measures only for those whom its operator knows.
    #[error(
        "oracles.keys: {oracle} does not measure for this node: ask its operator to let the key {key} ask for measurements, \
         or buy the next window's offer, which the provider has announced (`earnest order create`)"
    )]
    NotMeasuredForUs {
        /// The oracle.
        oracle: terms::Hex32,
        /// Our identity key.
        key: terms::Hex32,
    },
    /// This node does not agree to renewals by itself.
    #[error("this node's owner has not allowed it to renew")]
    RenewsNothing,
    /// Only an escrow that is funded and not spent has a next window.
    #[error("an escrow that is {state} on this side cannot be renewed")]
    NotRenewable {
        /// Its state.
        state: &'static str,
    },
    /// A reference does not count.
    #[error(transparent)]
    Doubt(#[from] crate::reputation::Doubt),
    /// Only an escrow that is over can be presented.
    #[error("an escrow that is {state} on this side cannot be presented")]
    NotFinished {
        /// Its state.
        state: &'static str,
    },
    /// So many references of one provider are kept that no more are.
    #[error("1000 references of this provider are kept already, and none is worth less")]
    TooManyReferences,
    /// Of a provider fewer windows count than the owner asks for.
    #[error(
        "reputation.min_settled: of the provider {provider} {settled} settled windows count, and {least} are asked for"
    )]
    TooFewSettled {
        /// The provider's key.
        provider: terms::Hex32,
        /// How many count.
        settled: u64,
        /// How many must.
        least: u64,
    },
    /// What is stored cannot be read.
    #[error("the stored {what} cannot be read")]
    Damaged {
        /// Such as `event`.
        what: &'static str,
    },
    /// The Bitcoin node does not have a block that a restored wallet begins at.
    #[error("bitcoind has no block {height} yet, at which the restored wallet begins; let it catch up")]
    NoBlock {
        /// The block's height.
        height: u32,
    },
    /// Our signature waits for the backup target.
    #[error(
        "the backup is behind: the answer is stored, and given once the backup target has acknowledged it"
    )]
    NotBackedUp,
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    Randomness,
    /// A file of the data folder.
    #[error("{path}: {source}")]
    File {
        /// It.
        path: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The backup target.
    #[error(transparent)]
    Backup(#[from] backup::BackupError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
}

impl NodeError {
    /// Whether an oracle refuses to measure for somebody whom it does not know.
    pub(crate) fn is_unknown_asker(&self) -> bool {
        matches!(self, Self::Client(error) if matches!(error.status(), Some(401 | 403)))
    }

    /// The same, with the terms that a question to the owner is about.
    pub(crate) fn about(self, agreement: &terms::Agreement) -> Self {
        match self {
            Self::NeedsApproval(asked) => Self::NeedsApproval(Box::new(crate::guard::Asked {
                agreement: Some(agreement.clone()),
                ..*asked
            })),
            other => other,
        }
    }

    /// Whether the same step may go well later: what failed is our own side, not what a peer sent.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Chain(_)
            | Self::Follow(_)
            | Self::Broadcast(_)
            | Self::Coins(_)
            | Self::NotBackedUp
            | Self::NeedsApproval(_)
            | Self::Randomness => true,
            Self::Store(error) => !matches!(error, StoreError::Exists { .. }),
            Self::Client(error) => error.may_pass(),
            Self::Gate(error) => error.message == Message::Own,
            Self::Damaged { .. } | Self::Sign(_) | Self::Wallet(_) | Self::File { .. } => true,
            _ => false,
        }
    }

    /// How long whoever asked should wait, in seconds, where that is known.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::TooSoon(too_soon) => Some(too_soon.wait_s()),
            Self::NoPlace { wait_s, .. } => Some(*wait_s),
            Self::TooManySessions(bound) => Some(bound.wait_s),
            Self::TooManyExchanges => Some(60),
            _ => None,
        }
    }
}
