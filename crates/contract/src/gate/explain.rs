//! Says where a foreign contract info differs from the agreed one.
//!
//! The verdict has fallen before: the bytes are not the agreed ones. This only finds the field to name. The foreign
//! info is read (its reader is not recursive, and bounded by the message) and compared, never evaluated.

use dlc_messages::contract_msgs::{ContractDescriptor, ContractInfo, ContractInfoInner};
use dlc_messages::lightning::util::ser::Readable;
use dlc_messages::oracle_msgs::{OracleAnnouncement, OracleInfo};

use crate::error::{GateError, Message, Rule};
use crate::limits;

type Difference = (&'static str, Rule);

pub(crate) fn contract_info(bytes: &[u8], agreed: &ContractInfo) -> GateError {
    let mut window = &bytes[..bytes.len().min(limits::MAX_CONTRACT_INFO_BYTES)];
    let (field, rule) = match ContractInfo::read(&mut window) {
        Err(_) => ("contract_info", Rule::Unreadable),
        Ok(got) => difference(&got, agreed),
    };
    GateError::new(Message::Offer, field, rule)
}

fn differs(expected: impl ToString, got: impl ToString) -> Rule {
    Rule::Differs { expected: expected.to_string(), got: got.to_string() }
}

fn difference(got: &ContractInfo, agreed: &ContractInfo) -> Difference {
    let (ContractInfo::SingleContractInfo(got), ContractInfo::SingleContractInfo(agreed)) = (got, agreed)
    else {
        return ("contract_info", differs("one event", "several events"));
    };
    if got.total_collateral != agreed.total_collateral {
        let rule = differs(agreed.total_collateral, got.total_collateral);
        return ("contract_info.total_collateral", rule);
    }
    in_oracles(&got.contract_info, &agreed.contract_info)
        .unwrap_or_else(|| in_descriptor(&got.contract_info, &agreed.contract_info))
}

/// The announcements of an oracle info, with threshold.
fn oracles(info: &OracleInfo) -> (usize, &[OracleAnnouncement]) {
    match info {
        OracleInfo::Single(single) => (1, std::slice::from_ref(&single.oracle_announcement)),
        OracleInfo::Multi(multi) => (usize::from(multi.threshold), &multi.oracle_announcements),
    }
}

fn in_oracles(got: &ContractInfoInner, agreed: &ContractInfoInner) -> Option<Difference> {
    if got.oracle_info == agreed.oracle_info {
        return None;
    }
    let ((threshold, announcements), (agreed_threshold, agreed_announcements)) =
        (oracles(&got.oracle_info), oracles(&agreed.oracle_info));
    if announcements.len() != agreed_announcements.len() {
        let rule = Rule::WrongCount { expected: agreed_announcements.len(), got: announcements.len() };
        return Some(("contract_info.oracle_info.oracle_announcements", rule));
    }
    if threshold != agreed_threshold {
        return Some(("contract_info.oracle_info.threshold", differs(agreed_threshold, threshold)));
    }
    let in_one =
        announcements.iter().zip(agreed_announcements).find_map(|(got, agreed)| in_announcement(got, agreed));
    Some(
        in_one.unwrap_or((
            "contract_info.oracle_info.oracle_params",
            differs("the agreed tolerance", "another"),
        )),
    )
}

fn in_announcement(got: &OracleAnnouncement, agreed: &OracleAnnouncement) -> Option<Difference> {
    if got == agreed {
        return None;
    }
    if got.oracle_public_key != agreed.oracle_public_key {
        let rule = differs(agreed.oracle_public_key, got.oracle_public_key);
        return Some(("contract_info.oracle_info.oracle_public_key", rule));
    }
    let (got, agreed) = (&got.oracle_event, &agreed.oracle_event);
    if got.event_id != agreed.event_id {
        return Some(("contract_info.oracle_info.event_id", differs(&agreed.event_id, &got.event_id)));
    }
    if got.event_maturity_epoch != agreed.event_maturity_epoch {
        let rule = differs(agreed.event_maturity_epoch, got.event_maturity_epoch);
        return Some(("contract_info.oracle_info.event_maturity_epoch", rule));
    }
    Some(("contract_info.oracle_info.oracle_announcement", differs("the agreed announcement", "another")))
}

fn in_descriptor(got: &ContractInfoInner, agreed: &ContractInfoInner) -> Difference {
    use ContractDescriptor::{
        EnumeratedContractDescriptor as Enum, NumericOutcomeContractDescriptor as Numeric,
    };
    match (&got.contract_descriptor, &agreed.contract_descriptor) {
        (Numeric(got), Numeric(agreed)) if got.num_digits != agreed.num_digits => {
            ("contract_info.num_digits", differs(agreed.num_digits, got.num_digits))
        }
        (Numeric(got), Numeric(agreed)) if got.rounding_intervals != agreed.rounding_intervals => {
            ("contract_info.rounding_intervals", differs("modulus 1 from 0", "others"))
        }
        (Numeric(_), Numeric(_)) => {
            ("contract_info.payout_function", differs("the agreed payouts", "others"))
        }
        (Enum(_), Enum(_)) => ("contract_info.payouts", differs("the agreed payouts", "others")),
        _ => ("contract_info.contract_descriptor", differs("the agreed kind", "another")),
    }
}
