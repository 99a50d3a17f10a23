//! What one finished escrow says about its provider.

use protocol::owner::{End, Finished};
use terms::{Agreement, Hex32, Outcome, PayoutTable, Sat, Scale, Worse};

/// How a contract's money left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending<'a> {
    /// By a CET that attestations unlock.
    Attested {
        /// What they say.
        outcome: &'a Outcome,
        /// What the CET pays the provider.
        provider_sat: Sat,
    },
    /// By a split of which both signed.
    Closed,
    /// By the refund.
    Refunded,
}

/// What an agreement that ended so says; `None` where its schedule does not compile, which no contract's does.
pub fn finished(
    agreement: &Agreement,
    funding_txid: Hex32,
    closing_txid: Hex32,
    ending: Ending<'_>,
) -> Option<Finished> {
    let table = agreement.compile().ok()?;
    let best = best(&table)?;
    let (end, measured_ppm) = match ending {
        Ending::Closed => (End::Closed, None),
        Ending::Refunded => (End::Refunded, None),
        Ending::Attested { outcome: Outcome::Indeterminate, .. } => (End::Indeterminate, None),
        Ending::Attested { outcome, provider_sat } => {
            let end = if provider_sat < best { End::Breached } else { End::Kept };
            (end, in_ppm(&agreement.measurement.outcome, outcome))
        }
    };
    Some(Finished {
        provider: agreement.provider.key,
        buyer: agreement.buyer.key,
        funding_txid,
        closing_txid,
        target: agreement.measurement.target.to_string(),
        window: agreement.measurement.window,
        price_sat: agreement.price_sat,
        end,
        promised_ppm: measured_ppm.and_then(|_| promised(agreement, &table, best)),
        measured_ppm,
    })
}

/// The most that an outcome which could be measured pays the provider.
fn best(table: &PayoutTable) -> Option<Sat> {
    match table {
        PayoutTable::Numeric { segments, .. } => {
            segments.split_last()?.1.iter().map(|segment| segment.provider_sat).max()
        }
        PayoutTable::Levels { levels, .. } => levels.split_last()?.1.iter().map(|(_, sat)| *sat).max(),
    }
}

/// An outcome that is a share of what is bad.
fn in_ppm(scale: &Scale, outcome: &Outcome) -> Option<u64> {
    match (scale, outcome) {
        (Scale::Numeric(numeric), Outcome::Value(value))
            if numeric.unit == "ppm" && numeric.worse == Worse::Higher =>
        {
            Some(value.0)
        }
        _ => None,
    }
}

/// The largest share of what is bad at which the provider still gets all that it can.
fn promised(agreement: &Agreement, table: &PayoutTable, best: Sat) -> Option<u64> {
    let (Scale::Numeric(numeric), PayoutTable::Numeric { segments, .. }) =
        (&agreement.measurement.outcome, table)
    else {
        return None;
    };
    let good = segments.iter().take_while(|segment| segment.provider_sat == best);
    let last = good.filter(|segment| segment.start < numeric.indeterminate_from).last()?;
    Some(last.end.0.min(numeric.max.0))
}
