//! Commitments that a human is asked about.
//!
//! Nothing is reserved, signed or promised while the owner is asked: a purchase is not begun, and a peer's message stays
//! unanswered and comes again. An approval is for one set of terms and for one escrow, and everything else is checked anew
//! when that begins.

use mandate::Commitment;
use protocol::owner::{ApprovalState, ApprovalView, DryAction, DryRun, OutlookView, PurchaseRequest, Role};
use serde::{Deserialize, Serialize};
use storage::{ApprovalRow, NoticeRow};
use terms::{Agreement, Hex32, Sat, UnixSeconds};

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::outlook::outlook;
use crate::ticket::Ticket;

/// So many questions may wait at a time,
const MOST_PENDING: usize = 100;
/// so many of them because strangers took our offers: what the owner and their agents begin is never crowded out by those,
const MOST_OF_PEERS: usize = 50;
/// so many because one address did, since a new key costs nothing,
const MOST_OF_ADDRESS: usize = 10;
/// and so many because one key did.
const MOST_OF_KEY: usize = 5;
/// The kind of a stored notice about a question.
pub(crate) const APPROVAL_NEEDED: &str = "approval_needed";

/// A commitment that needs the owner's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The session, and the escrow that it would lead to.
    pub id: Hex32,
    /// The delegated key in whose name it would be; none: the owner's.
    pub key: Option<String>,
    /// The hash of its terms.
    pub terms_hash: Hex32,
    /// The terms, where they are at hand.
    pub agreement: Option<Agreement>,
    /// What would be committed.
    pub request: Commitment,
    /// Above what the owner is asked.
    pub above: Sat,
    /// How long the word is waited for, in seconds.
    pub within_s: u64,
}

/// A question to the owner, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Approval {
    terms_hash: Hex32,
    at: u64,
    expires_at: u64,
    state: ApprovalState,
    what: What,
}

/// What is stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct What {
    commitment: Commitment,
    /// The terms; questions of older versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agreement: Option<Agreement>,
    above_sat: Sat,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The purchase to make once the owner agrees,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    purchase: Option<PurchaseRequest>,
    /// and under which Idempotency-Key it was asked for, with the hash of the request: repeated, it is told what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    once: Option<(String, Hex32)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    escrow: Option<Hex32>,
    /// From where the peer came that caused it, where one did and it has an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

impl Approval {
    /// From its row.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(row: &ApprovalRow) -> Result<Self, NodeError> {
        let damaged = |_| NodeError::Damaged { what: "approval" };
        Ok(Self {
            terms_hash: row.terms_hash,
            at: row.at,
            expires_at: row.expires_at,
            state: serde_json::from_value(row.state.clone().into()).map_err(damaged)?,
            what: serde_json::from_str(&row.json).map_err(damaged)?,
        })
    }

    fn row(&self) -> Result<ApprovalRow, NodeError> {
        let damaged = |_| NodeError::Damaged { what: "approval" };
        let state = serde_json::to_value(self.state).map_err(damaged)?;
        Ok(ApprovalRow {
            terms_hash: self.terms_hash,
            at: self.at,
            expires_at: self.expires_at,
            state: state.as_str().unwrap_or_default().to_owned(),
            json: serde_json::to_string(&self.what).map_err(damaged)?,
        })
    }

    /// Where it stands at `now`.
    fn state(&self, now: u64) -> ApprovalState {
        match self.state {
            ApprovalState::Pending | ApprovalState::Approved if now >= self.expires_at => {
                ApprovalState::Expired
            }
            state => state,
        }
    }

    fn view(&self, now: u64) -> ApprovalView {
        let commitment = &self.what.commitment;
        ApprovalView {
            terms_hash: self.terms_hash,
            state: self.state(now),
            role: match commitment.stake {
                mandate::Stake::Bond(_) => Role::Provider,
                mandate::Stake::Price(_) => Role::Buyer,
            },
            counterparty: commitment.counterparty,
            service: commitment.service.clone(),
            locked_sat: commitment.locked_sat(),
            above_sat: self.what.above_sat,
            key: self.what.key.clone(),
            at: UnixSeconds(self.at),
            expires_at: UnixSeconds(self.expires_at),
            escrow_id: self.what.escrow.map(|id| id.to_string()),
            outlook: self.outlook(now),
        }
    }

    /// What the escrow may pay, while there is something to decide.
    fn outlook(&self, now: u64) -> Option<OutlookView> {
        let agreement = self.what.agreement.as_ref()?;
        if self.state(now) != ApprovalState::Pending {
            return None;
        }
        let refund = self.at.saturating_add(self.what.commitment.lock_s);
        let maturity = refund.checked_sub(agreement.refund_delay_s);
        outlook(agreement, maturity, Some(self.at))
    }
}

impl Core {
    /// Whether the owner has agreed to a commitment that needs their word.
    ///
    /// # Errors
    /// When they refused, or have to be asked.
    pub(super) fn is_approved(&self, asked: Asked, now: u64) -> Result<(), NodeError> {
        let now = self.guard.time(now).0;
        let known = self.guard.approvals.get(&asked.terms_hash);
        match known.map(|known| (known.state(now), known.what.escrow)) {
            Some((ApprovalState::Approved, _)) => Ok(()),
            Some((ApprovalState::Used, Some(id))) if id == asked.id => Ok(()),
            Some((ApprovalState::Denied, _)) => Err(NodeError::Denied { terms_hash: asked.terms_hash }),
            _ => Err(NodeError::NeedsApproval(Box::new(asked))),
        }
    }

    /// Stores the question that an error asks, before whoever caused it is told to wait. Other results pass.
    ///
    /// # Errors
    /// The error; or that of the database.
    pub(crate) async fn asking<T>(
        &mut self,
        result: Result<T, NodeError>,
        purchase: Option<(&PurchaseRequest, &Ticket)>,
        now: u64,
    ) -> Result<T, NodeError> {
        if let Err(NodeError::NeedsApproval(asked)) = &result {
            self.ask_owner(asked, purchase, now).await?;
        }
        result
    }

    async fn ask_owner(
        &mut self,
        asked: &Asked,
        purchase: Option<(&PurchaseRequest, &Ticket)>,
        now: u64,
    ) -> Result<(), NodeError> {
        let time = self.guard.time(now).0;
        let known = self.guard.approvals.get(&asked.terms_hash);
        if known.is_some_and(|known| known.state(time) == ApprovalState::Pending) {
            return Ok(());
        }
        let address = match is_of_peer(&asked.request) {
            true => self.store.opened_from(asked.id).await?,
            false => None,
        };
        self.place_for(&asked.request, address.as_deref(), time)?;
        let what = What {
            commitment: asked.request.clone(),
            agreement: asked.agreement.clone(),
            above_sat: asked.above,
            key: asked.key.clone(),
            purchase: purchase.map(|(request, _)| request.clone()),
            once: purchase.and_then(|(_, ticket)| ticket.once().cloned()),
            escrow: None,
            address,
        };
        let (terms_hash, expires_at) = (asked.terms_hash, time.saturating_add(asked.within_s));
        let approval = Approval { terms_hash, at: time, expires_at, state: ApprovalState::Pending, what };
        let locked = asked.request.locked_sat();
        let detail =
            format!("{locked} sat with {}: earnest approve {terms_hash}", asked.request.counterparty);
        tracing::warn!("ALARM: the owner's word is needed: {detail}");
        let notices = vec![NoticeRow { at: now, kind: APPROVAL_NEEDED.to_owned(), detail }];
        self.keep_approval(approval, Change { notices, ..Change::default() }, now).await
    }

    /// Whether one more question may wait.
    ///
    /// # Errors
    /// When it may not, saying whose are too many.
    fn place_for(&self, request: &Commitment, address: Option<&str>, now: u64) -> Result<(), NodeError> {
        let waiting = self.guard.approvals.values().filter(|it| it.state(now) == ApprovalState::Pending);
        let bound = |whose, most, count: usize| match count < most {
            true => Ok(()),
            false => Err(NodeError::TooManyQuestions { whose, most }),
        };
        bound("", MOST_PENDING, waiting.clone().count())?;
        if !is_of_peer(request) {
            return Ok(());
        }
        let of_peers = waiting.filter(|it| is_of_peer(&it.what.commitment));
        bound(" of buyers", MOST_OF_PEERS, of_peers.clone().count())?;
        let of_key = of_peers.clone().filter(|it| it.what.commitment.counterparty == request.counterparty);
        bound(" of this buyer", MOST_OF_KEY, of_key.count())?;
        let of_address = of_peers.filter(|it| address.is_some() && it.what.address.as_deref() == address);
        bound(" of this address", MOST_OF_ADDRESS, of_address.count())
    }

    /// The owner's word about a question. Approving checks everything anew. Said again it changes nothing.
    ///
    /// # Errors
    /// When there is no such question, it was decided otherwise or its time has passed; and when what is asked is not
    /// allowed any more, whoever agrees.
    pub(crate) async fn decide_approval(
        &mut self,
        terms_hash: Hex32,
        approve: bool,
        ticket: &Ticket,
        now: u64,
    ) -> Result<ApprovalView, NodeError> {
        let time = self.guard.time(now).0;
        let missing = NodeError::NotFound { what: "approval" };
        let known = self.guard.approvals.get(&terms_hash).ok_or(missing)?.clone();
        let wanted = if approve { ApprovalState::Approved } else { ApprovalState::Denied };
        match known.state(time) {
            ApprovalState::Pending => {}
            state if state == wanted || (approve && state == ApprovalState::Used) => {
                return Ok(known.view(time));
            }
            _ => return Err(NodeError::Reused { what: "the approval" }),
        }
        if approve {
            let history = self.history(None, now)?;
            self.authority(known.what.key.as_deref()).commit(&known.what.commitment, &history)?;
        }
        if ticket.is_rehearsal() {
            let commitment = &known.what.commitment;
            return Err(NodeError::Rehearsed(Box::new(DryRun {
                terms_hash: Some(terms_hash),
                stake_sat: Some(commitment.stake.sat()),
                fees_sat: Some(commitment.fees_sat),
                leaves_sat: Some(commitment.locked_sat()),
                ..DryRun::of(DryAction::Approve)
            })));
        }
        let decided = Approval { state: wanted, ..known };
        let view = decided.view(time);
        tracing::info!(%terms_hash, approve, "the owner's word about a commitment");
        let change = Change { answer: ticket.answer(&view)?, ..Change::default() };
        self.keep_approval(decided, change, now).await?;
        Ok(view)
    }

    /// The purchase that a question is about, once it is approved, with the key in whose name it was asked.
    pub(super) fn approved_purchase(
        &self,
        terms_hash: Hex32,
        now: u64,
    ) -> Option<(PurchaseRequest, Option<String>)> {
        let known = self.guard.approvals.get(&terms_hash)?;
        let approved = known.state(self.guard.time(now).0) == ApprovalState::Approved;
        approved.then(|| Some((known.what.purchase.clone()?, known.what.key.clone())))?
    }

    /// Under which Idempotency-Key the purchase that a question is about was asked for, with the hash of the request.
    pub(super) fn asked_once(&self, terms_hash: Hex32) -> Option<(String, Hex32)> {
        self.guard.approvals.get(&terms_hash)?.what.once.clone()
    }

    /// One question.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn approval_view(&self, terms_hash: Hex32, now: u64) -> Result<ApprovalView, NodeError> {
        let known = self.guard.approvals.get(&terms_hash).ok_or(NodeError::NotFound { what: "approval" })?;
        Ok(known.view(self.guard.time(now).0))
    }

    /// All questions, the newest first.
    pub(crate) fn approval_views(&self, now: u64) -> Vec<ApprovalView> {
        let now = self.guard.time(now).0;
        let mut views: Vec<_> = self.guard.approvals.values().map(|known| known.view(now)).collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.at));
        views
    }

    /// The approvals that escrows which begin with a change use up.
    ///
    /// # Errors
    /// Never for approvals that were read.
    pub(crate) fn used_approvals(&self, change: &Change) -> Result<Vec<ApprovalRow>, NodeError> {
        let begun = change.events.iter().filter_map(|(id, event)| match event {
            engine::Event::Opened(opened) => Some((*id, opened.agreement.terms_hash())),
            _ => None,
        });
        let mut used = Vec::new();
        for (id, terms_hash) in begun {
            let known = self.guard.approvals.get(&terms_hash);
            if let Some(known) = known.filter(|known| known.state == ApprovalState::Approved) {
                let what = What { escrow: Some(id), ..known.what.clone() };
                used.push(Approval { state: ApprovalState::Used, what, ..known.clone() }.row()?);
            }
        }
        Ok(used)
    }

    /// Makes true in memory what was stored.
    pub(super) fn take_approval(&mut self, row: &ApprovalRow) {
        if let Ok(approval) = Approval::read(row) {
            self.guard.approvals.insert(row.terms_hash, approval);
        }
    }

    /// Forgets the questions that nobody had answered when they expired, before a moment in unix seconds: strangers cause
    /// them for nothing. What the owner has decided stays.
    pub(crate) fn forget_questions(&mut self, before: u64) {
        let unanswered = |it: &Approval| it.state == ApprovalState::Pending && it.expires_at < before;
        self.guard.approvals.retain(|_, it| !unanswered(it));
    }

    async fn keep_approval(&mut self, approval: Approval, change: Change, now: u64) -> Result<(), NodeError> {
        let change = Change { approval: Some(approval.row()?), ..change };
        self.commit(change, now).await?;
        self.guard.approvals.insert(approval.terms_hash, approval);
        Ok(())
    }
}

/// Whether a peer has caused it: it takes what we provide.
fn is_of_peer(request: &Commitment) -> bool {
    matches!(request.stake, mandate::Stake::Bond(_))
}
