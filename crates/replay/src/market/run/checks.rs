//! What must be true of a market at the end: what its file expects, and rules that always hold.

use protocol::owner::AlarmKind;
use terms::{Outcome, Sat};

use super::books::Deal;
use crate::checks::{check, verify};
use crate::market::file::{Expected, Market};
use crate::market::plan;
use crate::market::record::{EscrowRecord, Figures, MarketRecord, MemberRecord, WindowRecord};
use crate::record::{Check, Split};
use crate::text;

/// All checks of a run, the file's own first.
pub(super) fn all(
    market: &Market,
    record: &MarketRecord,
    deals: &[Deal],
    alarms: &[(String, AlarmKind)],
) -> Vec<Check> {
    let mut checks = vec![escrows(market, record), without_agreement(market, record)];
    checks.extend(outcomes(market, record));
    checks.extend(record.parties.iter().map(|party| figures(record, party)));
    checks.push(listed(market, record));
    checks.push(same_terms(deals));
    checks.push(every("closing transactions", record.escrows.iter().map(spends_its_contract)));
    checks.push(every("the agreements' schedules pay", record.escrows.iter().map(pays_its_schedule)));
    checks.push(every("the oracle's signatures", deals.iter().map(is_signed)));
    checks.push(every("the audit of the evidence", windows(record).map(is_audited)));
    checks.push(every("transcripts, verified offline", record.escrows.iter().map(has_a_transcript)));
    checks.push(every("receipts, verified offline", record.parties.iter().map(has_receipts)));
    checks.push(every("receipts tell what the chain holds", record.parties.iter().map(receipts_agree)));
    checks.push(every("wallets hold what is due", record.parties.iter().map(wallet_is_right)));
    checks.push(conserved(record));
    checks.push(every("nobody raises an alarm", alarms.iter().map(|alarm| Err(alarm_in_words(alarm)))));
    checks
}

/// A rule about many things: holds when it does for each; says of how many, or what is wrong with the first few.
fn every(what: &str, each: impl Iterator<Item = Result<(), String>>) -> Check {
    let (mut count, mut wrong) = (0u64, Vec::new());
    for one in each {
        count += 1;
        wrong.extend(one.err());
    }
    let expected = format!("all {count} hold");
    let got = match wrong.len() {
        0 => expected.clone(),
        bad => format!("{bad} of {count} do not"),
    };
    check(what, expected, got, || Some(wrong.into_iter().take(5).collect::<Vec<_>>().join("; ")))
}

fn escrows(market: &Market, record: &MarketRecord) -> Check {
    let is_settled = |escrow: &&EscrowRecord| {
        [&escrow.provider, &escrow.buyer].iter().all(|party| party.state == "settled")
    };
    let settled = record.escrows.iter().filter(is_settled).count() as u64;
    let got = match record.escrows.len() as u64 {
        all if all == settled => format!("{settled} settled"),
        all => format!("{settled} of {all} settled"),
    };
    check("escrows", format!("{} settled", market.escrows), got, || {
        let mut others = record.escrows.iter().filter(|escrow| !is_settled(escrow));
        let other = others.next()?;
        Some(format!("one of {} and {} is {}", other.seller, other.shopper, other.buyer.state))
    })
}

fn without_agreement(market: &Market, record: &MarketRecord) -> Check {
    let refused = record.negotiations.iter().filter(|talk| talk.agreed_sat.is_none());
    let (expected, got) = (market.without_agreement, refused.clone().count() as u64);
    check("negotiations without agreement", expected.to_string(), got.to_string(), || {
        let each = refused.map(|talk| {
            format!("{} with {}: {}", talk.buyer, talk.provider, talk.refused.as_deref().unwrap_or("no word"))
        });
        Some(each.collect::<Vec<_>>().join("; "))
    })
}

fn outcomes(market: &Market, record: &MarketRecord) -> Vec<Check> {
    let mut checks = Vec::new();
    for (provider, service) in market.providers.iter().zip(&record.services) {
        for (expected, found) in provider.outcomes.iter().zip(&service.windows) {
            let what = format!("{}, {}", provider.name, hours(found));
            let expected = text::outcome(&Outcome::Value(*expected), market.scale());
            let got = found.outcome.as_ref();
            let got = got.map_or_else(|| "nothing".to_owned(), |got| text::outcome(got, market.scale()));
            checks.push(check(&what, expected, got, || {
                let planned = plan::evaluate(market, provider, found.window).ok()?.report;
                let outcome = text::outcome(&planned.outcome, market.scale());
                let (bad, all) = (planned.probes.bad, planned.probes.bad + planned.probes.good);
                Some(format!("by its timeline it comes to {outcome} ({bad} of {all} probes fail)"))
            }));
        }
    }
    checks
}

fn hours(window: &WindowRecord) -> String {
    let range = window.window;
    format!("{} to {}", text::time_of_day(range.start), text::time_of_day(range.end))
}

fn in_words(figures: Figures) -> String {
    format!(
        "{}, {} locked, {} paid out",
        text::counted(figures.escrows, "escrow", "escrows"),
        text::sat(figures.locked_sat),
        text::sat(figures.paid_out_sat)
    )
}

/// What the file says of a party.
pub(super) fn expected(expected: &Expected) -> Figures {
    let Expected { escrows, locked_sat, paid_out_sat } = *expected;
    Figures { escrows, locked_sat, paid_out_sat }
}

fn figures(record: &MarketRecord, party: &MemberRecord) -> Check {
    let MemberRecord { escrows, locked_sat, paid_out_sat, .. } = *party;
    let got = Figures { escrows, locked_sat, paid_out_sat };
    check(&party.name, in_words(party.expected), in_words(got), || {
        let own = record.escrows.iter().filter(|one| one.seller == party.name || one.shopper == party.name);
        Some(own.map(bargain_in_words).collect::<Vec<_>>().join("; "))
    })
}

/// Who agreed with whom about which window, at which price, and what came of it.
fn bargain_in_words(escrow: &EscrowRecord) -> String {
    let paid = escrow.payouts.paid.map_or_else(
        || "nothing paid".to_owned(),
        |paid| format!("{} + {}", text::thousands(paid.provider_sat.0), text::thousands(paid.buyer_sat.0)),
    );
    format!(
        "{} and {}, {}: {} locked with {}, paid {paid}",
        escrow.seller,
        escrow.shopper,
        text::time_of_day(escrow.window().start),
        text::thousands(escrow.agreement.price_sat.0),
        text::thousands(escrow.agreement.bond_sat.0),
    )
}

fn listed(market: &Market, record: &MarketRecord) -> Check {
    let offers: u64 = record.listings.iter().map(|listing| listing.offers).sum();
    let words = |providers: usize, offers: u64| format!("{providers} providers with {offers} offers");
    let expected = words(market.providers.len(), (market.providers.len() * market.windows.len()) as u64);
    check("the directory lists", expected, words(record.listings.len(), offers), || None)
}

fn same_terms(deals: &[Deal]) -> Check {
    let each = deals.iter().map(|deal| {
        let expected = deal.agreed.as_ref().map(|agreed| agreed.terms_hash());
        match deal.views.iter().all(|view| Some(view.terms_hash) == expected) {
            true => Ok(()),
            false => {
                Err(format!("escrow {} is not the offer at the price that was agreed", deal.views[0].id))
            }
        }
    });
    every("terms at both nodes", each)
}

fn spends_its_contract(escrow: &EscrowRecord) -> Result<(), String> {
    let contract = escrow.transactions.funding.as_ref().and_then(|funding| {
        let output = funding.outputs.iter().find(|output| output.owner == "contract")?;
        Some((funding.txid.clone(), output.vout))
    });
    let spent = escrow.transactions.settling.as_ref().and_then(|closing| match closing.inputs.as_slice() {
        [only] => Some((only.txid.clone(), only.vout)),
        _ => None,
    });
    match contract.is_some() && contract == spent {
        true => Ok(()),
        false => Err(format!("of {}: spends no contract of theirs", bargain_in_words(escrow))),
    }
}

fn pays_its_schedule(escrow: &EscrowRecord) -> Result<(), String> {
    match (escrow.payouts.agreed, escrow.payouts.paid) {
        (Some(agreed), Some(paid)) if agreed == paid => Ok(()),
        (Some(Split { provider_sat, buyer_sat }), _) => Err(format!(
            "{}, and the schedule says {} + {}",
            bargain_in_words(escrow),
            text::thousands(provider_sat.0),
            text::thousands(buyer_sat.0)
        )),
        (None, _) => Err(format!("{}, and nothing was attested", bargain_in_words(escrow))),
    }
}

/// Announcement and attestation, by the library's check, which is not ours.
fn is_signed(deal: &Deal) -> Result<(), String> {
    let view = &deal.views[1];
    let hex =
        |bytes: &Vec<protocol::HexBytes>| bytes.iter().map(|one| hex::encode(&one.0)).collect::<Vec<_>>();
    verify(&view.event_id, &hex(&view.announcements), &hex(&view.attestations), true)
}

fn windows(record: &MarketRecord) -> impl Iterator<Item = (&str, &WindowRecord)> {
    record
        .services
        .iter()
        .flat_map(|service| service.windows.iter().map(|window| (service.provider.as_str(), window)))
}

fn is_audited((provider, window): (&str, &WindowRecord)) -> Result<(), String> {
    match window.audited {
        Some(true) => Ok(()),
        Some(false) => Err(format!("{provider}, {}: the evidence does not hold", hours(window))),
        None => Err(format!("{provider}, {}: there is no evidence", hours(window))),
    }
}

fn has_a_transcript(escrow: &EscrowRecord) -> Result<(), String> {
    if escrow.transcript_verified { Ok(()) } else { Err(bargain_in_words(escrow)) }
}

fn has_receipts(party: &MemberRecord) -> Result<(), String> {
    let receipts = &party.receipts;
    let some = receipts.lines > 0 || party.escrows == 0;
    if receipts.verified && some { Ok(()) } else { Err(format!("{}'s do not hold", party.name)) }
}

fn receipts_agree(party: &MemberRecord) -> Result<(), String> {
    let told = (party.receipts.locked_sat, party.receipts.paid_out_sat);
    match told == (party.locked_sat, party.paid_out_sat) {
        true => Ok(()),
        false => Err(format!(
            "{}'s say {} locked and {} paid out",
            party.name,
            text::sat(told.0),
            text::sat(told.1)
        )),
    }
}

fn wallet_is_right(party: &MemberRecord) -> Result<(), String> {
    match party.end_sat == party.due_sat() {
        true => Ok(()),
        false => Err(format!(
            "{} holds {} and not {}",
            party.name,
            text::sat(party.end_sat),
            text::sat(party.due_sat())
        )),
    }
}

/// The wallets' own word, and the chain's, against what was there in the beginning.
fn conserved(record: &MarketRecord) -> Check {
    let all = record.satoshis;
    let by_wallets = Sat(all.end_sat.0 + all.fees_sat.0);
    let by_chain = Sat(all.unspent_sat.0 + all.fees_sat.0);
    let got = match by_wallets == by_chain {
        true => text::sat(by_wallets),
        false => format!("{} by the wallets, {} by the chain", text::sat(by_wallets), text::sat(by_chain)),
    };
    check("held at the end + fees = held at the start", text::sat(all.start_sat), got, || {
        Some("satoshis are missing, or came from nowhere".to_owned())
    })
}

fn alarm_in_words((who, kind): &(String, AlarmKind)) -> String {
    format!("{who}: {kind:?}")
}
