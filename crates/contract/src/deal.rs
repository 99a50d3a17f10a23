//! The deal: an agreement, what it pays, and who attests, checked together once.

use std::sync::Arc;

use bitcoin::Network;
use dlc_messages::contract_msgs::ContractInfo;
use dlc_messages::lightning::util::ser::Writeable;
use dlc_messages::oracle_msgs::OracleAnnouncement;
use terms::{Agreement, PayoutTable, Sat, Scale, Segment, Side, UnixSeconds};

use crate::announcements::Announcements;
use crate::error::{GateError, Message, Rule};
use crate::info::{contract_info, ranges};
use crate::limits;
use crate::roles::{Role, side_collateral, side_of};

/// An agreement with its payout table and announcements, and what follows from them alone. Cheap to clone.
#[derive(Clone)]
pub struct Deal(Arc<Parts>);

struct Parts {
    agreement: Agreement,
    table: PayoutTable,
    announcements: Announcements,
    info: ContractInfo,
    info_bytes: Vec<u8>,
    network: Network,
    cet_locktime: u32,
    refund_locktime: u32,
}

impl Deal {
    /// Checks an agreement and its announcements, and compiles what they pay.
    ///
    /// # Errors
    /// Names the document, the field and the rule that it breaks.
    pub fn new(agreement: Agreement, announcements: Vec<OracleAnnouncement>) -> Result<Self, GateError> {
        check_bounds(&agreement)?;
        let announcements = Announcements::check(&agreement, announcements)?;
        Self::assemble(agreement, announcements)
    }

    /// As [`Deal::new`], from the announcements' TLV bytes.
    ///
    /// # Errors
    /// As [`Deal::new`].
    pub fn parse<B: AsRef<[u8]>>(agreement: Agreement, tlvs: &[B]) -> Result<Self, GateError> {
        check_bounds(&agreement)?;
        let announcements = Announcements::parse(&agreement, tlvs)?;
        Self::assemble(agreement, announcements)
    }

    fn assemble(agreement: Agreement, announcements: Announcements) -> Result<Self, GateError> {
        let table = agreement.compile().map_err(|error| broken("payout", Rule::Compile(error)))?;
        check_table(&agreement, &table)?;
        let cet_locktime = locktime("measurement.window.end", agreement.measurement.window.end.0)?;
        let refund = announcements.latest_maturity().0.saturating_add(agreement.refund_delay_s);
        let refund_locktime = locktime("refund_delay_s", refund)?;
        if refund_locktime <= cet_locktime {
            let rule =
                Rule::OutOfBounds { got: agreement.refund_delay_s, least: 1, most: limits::MAX_MONEY_SAT };
            return Err(broken("refund_delay_s", rule));
        }
        let info = contract_info(&agreement, &table, &announcements);
        let info_bytes = info.encode();
        let network = network(&agreement)?;
        Ok(Self(Arc::new(Parts {
            agreement,
            table,
            announcements,
            info,
            info_bytes,
            network,
            cet_locktime,
            refund_locktime,
        })))
    }

    /// The agreement.
    pub fn agreement(&self) -> &Agreement {
        &self.0.agreement
    }

    /// What every outcome pays.
    pub fn table(&self) -> &PayoutTable {
        &self.0.table
    }

    /// The oracles' announcements.
    pub fn announcements(&self) -> &Announcements {
        &self.0.announcements
    }

    /// The contract info that an offer must carry.
    pub fn contract_info(&self) -> &ContractInfo {
        &self.0.info
    }

    /// The chain that it settles on.
    pub fn network(&self) -> Network {
        self.0.network
    }

    /// The locktime of every CET: the window's end.
    pub fn cet_locktime(&self) -> u32 {
        self.0.cet_locktime
    }

    /// The locktime of the refund: the latest maturity and the refund delay.
    pub fn refund_locktime(&self) -> u32 {
        self.0.refund_locktime
    }

    /// The side that plays a role.
    pub fn side(&self, role: Role) -> Side {
        side_of(self.agreement(), role)
    }

    /// What a role locks.
    pub fn collateral(&self, role: Role) -> Sat {
        side_collateral(self.agreement(), self.side(role))
    }

    /// The bytes that an offer's contract info must have.
    pub(crate) fn info_bytes(&self) -> &[u8] {
        &self.0.info_bytes
    }

    /// Refuses a message that arrives when funding it would be too late.
    pub(crate) fn before_funding_deadline(
        &self,
        message: Message,
        now: UnixSeconds,
    ) -> Result<(), GateError> {
        let deadline = self.agreement().funding_deadline;
        if now < deadline {
            return Ok(());
        }
        Err(GateError::new(message, "funding_deadline", Rule::TooLate { deadline: deadline.0, now: now.0 }))
    }
}

impl std::fmt::Debug for Deal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let terms_hash = self.agreement().terms_hash();
        f.debug_struct("Deal").field("terms_hash", &terms_hash).finish_non_exhaustive()
    }
}

fn broken(field: &'static str, rule: Rule) -> GateError {
    GateError::new(Message::Agreement, field, rule)
}

fn bounded(field: &'static str, got: u64, least: u64, most: u64) -> Result<(), GateError> {
    if (least..=most).contains(&got) {
        return Ok(());
    }
    Err(broken(field, Rule::OutOfBounds { got, least, most }))
}

fn network(agreement: &Agreement) -> Result<Network, GateError> {
    match agreement.network.as_str() {
        "regtest" => Ok(Network::Regtest),
        "signet" => Ok(Network::Signet),
        "testnet4" => Ok(Network::Testnet4),
        "mainnet" => Ok(Network::Bitcoin),
        _ => Err(broken("network", Rule::Unsupported)),
    }
}

/// Both locktimes are times that fit four bytes; the library would add them up in four bytes and wrap.
fn locktime(field: &'static str, value: u64) -> Result<u32, GateError> {
    bounded(field, value, limits::LOCKTIME_THRESHOLD, u64::from(u32::MAX))?;
    u32::try_from(value).map_err(|_| broken(field, Rule::Unreadable))
}

/// What the contract needs of an agreement, before anything is computed from it. Some of it repeats the document's
/// own rules on purpose: this crate does not lean on another's bounds where the library would panic.
fn check_bounds(agreement: &Agreement) -> Result<(), GateError> {
    agreement.validate().map_err(|error| broken("document", Rule::Document(error)))?;
    let measured = agreement.measurement.event_id();
    if measured != agreement.event_id {
        let rule = Rule::Differs { expected: measured.to_string(), got: agreement.event_id.to_string() };
        return Err(broken("event_id", rule));
    }
    check_oracles(agreement)?;
    check_tolerance(agreement)?;
    bounded("fee_rate_sat_vb", agreement.fee_rate_sat_vb, 1, limits::MAX_FEE_RATE_SAT_VB)?;
    for (field, amount) in [("price_sat", agreement.price_sat), ("bond_sat", agreement.bond_sat)] {
        bounded(field, amount.0, 0, limits::MAX_MONEY_SAT)?;
        if (1..limits::DUST_LIMIT_SAT).contains(&amount.0) {
            return Err(broken(field, Rule::Dust { sat: amount.0 }));
        }
    }
    bounded("price_sat + bond_sat", agreement.total_sat().0, limits::DUST_LIMIT_SAT, limits::MAX_MONEY_SAT)
}

fn check_oracles(agreement: &Agreement) -> Result<(), GateError> {
    let keys = &agreement.oracles.keys;
    let count = keys.len() as u64;
    bounded("oracles.keys", count, 1, limits::MAX_ORACLES as u64)?;
    bounded("oracles.threshold", agreement.oracles.threshold, count / 2 + 1, count)?;
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(broken("oracles.keys", Rule::Duplicate));
    }
    Ok(())
}

/// The library panics over exponents that are not below the digit count, or not one below the other, and over a
/// tolerance for one oracle.
fn check_tolerance(agreement: &Agreement) -> Result<(), GateError> {
    let Some(tolerance) = &agreement.oracles.tolerance else {
        return Ok(());
    };
    let Scale::Numeric(scale) = &agreement.measurement.outcome else {
        return Err(broken("oracles.tolerance", Rule::Unsupported));
    };
    bounded("oracles.threshold", agreement.oracles.threshold, 2, limits::MAX_ORACLES as u64)?;
    let most = scale.digits.min(limits::MAX_DIGITS).saturating_sub(1);
    bounded("oracles.tolerance.max_error_exp", tolerance.max_error_exp, 1, most)?;
    bounded("oracles.tolerance.min_fail_exp", tolerance.min_fail_exp, 0, tolerance.max_error_exp - 1)
}

/// The table must be one that the library can turn into transactions, at a bounded price.
fn check_table(agreement: &Agreement, table: &PayoutTable) -> Result<(), GateError> {
    match table {
        PayoutTable::Numeric { digits, segments, .. } => {
            bounded("measurement.outcome.numeric.digits", *digits, 1, limits::MAX_DIGITS)?;
            check_segments(*digits, segments)?;
        }
        PayoutTable::Levels { levels, .. } => {
            bounded("measurement.outcome.enum.levels", levels.len() as u64, 2, limits::MAX_LEVELS as u64)?;
        }
    }
    check_payouts(table)?;
    let signatures = table.signatures(&agreement.oracles);
    if signatures > limits::MAX_SIGNATURES {
        return Err(broken("payout", Rule::TooMany { count: signatures, most: limits::MAX_SIGNATURES }));
    }
    Ok(())
}

/// Contiguous from 0 to the last value, and not all the same: the library panics over a constant payout.
fn check_segments(digits: u64, segments: &[Segment]) -> Result<(), GateError> {
    let last = (1u64 << digits) - 1;
    let mut next = Some(0);
    for segment in segments {
        if next != Some(segment.start.0) || segment.end < segment.start || segment.end.0 > last {
            return Err(broken("payout.schedule", Rule::NotCanonical));
        }
        next = segment.end.0.checked_add(1);
    }
    if next != Some(last + 1) {
        return Err(broken("payout.schedule", Rule::NotCanonical));
    }
    if ranges(segments).len() < 2 {
        return Err(broken("payout.schedule", Rule::ConstantPayout));
    }
    Ok(())
}

/// Neither side is ever paid 1 to 999 sat, or more than there is.
fn check_payouts(table: &PayoutTable) -> Result<(), GateError> {
    let total = table.total_sat().0;
    let provider: Vec<u64> = match table {
        PayoutTable::Numeric { segments, .. } => segments.iter().map(|s| s.provider_sat.0).collect(),
        PayoutTable::Levels { levels, .. } => levels.iter().map(|(_, sat)| sat.0).collect(),
    };
    for sat in provider {
        bounded("payout.schedule", sat, 0, total)?;
        let burnt = [sat, total - sat].into_iter().find(|part| (1..limits::DUST_LIMIT_SAT).contains(part));
        if let Some(sat) = burnt {
            return Err(broken("payout.schedule", Rule::Dust { sat }));
        }
    }
    Ok(())
}
