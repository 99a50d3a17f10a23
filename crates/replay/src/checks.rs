//! What is checked at the end of a run: the scenario's expectations, and rules that always hold.

use dlc_messages::TlvRecord;
use dlc_messages::oracle_msgs::{OracleAnnouncement, OracleAttestation};
use ledger::Report;
use protocol::owner::EscrowView;
use secp256k1_zkp::Secp256k1;
use terms::{Agreement, EventId, Outcome, Sat};

use crate::plan;
use crate::record::{Check, Record};
use crate::scenario::{ExpectedOutcome, ExpectedWord, Scenario};
use crate::text;

/// All checks of a run, the scenario's own first. The record's own checks are not looked at.
pub fn all(
    scenario: &Scenario,
    agreed: &Agreement,
    views: &[Option<EscrowView>; 2],
    record: &Record,
) -> Vec<Check> {
    let mut checks = expectations(scenario, record);
    checks.extend(each_oracle(scenario, record));
    checks.push(alarms(scenario, views));
    checks.push(same_terms(agreed, views));
    if record.is_cancelled() {
        checks.push(locks_nothing(record));
    } else {
        checks.push(spends_the_contract(record));
        checks.push(pays_the_schedule(record));
    }
    checks.push(conserves_value(record));
    if record.oracles.len() > 1 && record.outcome.is_some() {
        checks.push(enough_agree(record));
        checks.push(nodes_tell(agreed, views, record));
    }
    checks.push(signatures(record));
    checks
}

/// An expectation against what was found; `why` is asked only where the two differ.
pub(crate) fn check(
    what: &str,
    expected: impl Into<String>,
    got: impl Into<String>,
    why: impl FnOnce() -> Option<String>,
) -> Check {
    let (expected, got) = (expected.into(), got.into());
    let holds = expected == got;
    let why = if holds { None } else { why() };
    Check { what: what.to_owned(), expected, got, holds, why }
}

fn expectations(scenario: &Scenario, record: &Record) -> Vec<Check> {
    let scale = &scenario.measurement.outcome;
    let expected = match scenario.expect.outcome {
        ExpectedOutcome::Value(value) => text::outcome(&Outcome::Value(value), scale),
        ExpectedOutcome::Indeterminate => "indeterminate".to_owned(),
        ExpectedOutcome::Refunded => "refunded".to_owned(),
        ExpectedOutcome::Cancelled => "cancelled".to_owned(),
    };
    let mut checks = vec![check("outcome", expected, record.end_in_words(), || why_outcome(scenario))];
    let paid = |part: fn(&crate::record::Split) -> Sat| {
        record.payouts.paid.as_ref().map_or_else(|| unpaid(record), |paid| text::sat(part(paid)))
    };
    let expect = &scenario.expect;
    checks.push(check(
        "paid to the provider",
        text::sat(expect.provider_sat),
        paid(|s| s.provider_sat),
        || why_paid(record),
    ));
    checks.push(check("paid to the buyer", text::sat(expect.buyer_sat), paid(|s| s.buyer_sat), || {
        why_paid(record)
    }));
    let states = [
        ("provider's state", &expect.provider, &record.provider),
        ("buyer's state", &expect.buyer, &record.buyer),
    ];
    for (what, expected, party) in states {
        if let Some(expected) = expected {
            checks.push(check(what, expected, &party.state, || why_state(record)));
        }
    }
    checks
}

/// What single oracles attest, where the scenario says so.
fn each_oracle(scenario: &Scenario, record: &Record) -> Vec<Check> {
    let scale = &scenario.measurement.outcome;
    let expected = scenario.expect.oracles.iter();
    let each = expected.filter_map(|(number, word)| Some((*number, record.oracles.get(*number)?, word)));
    each.map(|(number, oracle, word)| {
        let expected = match word {
            ExpectedWord::Value(value) => text::outcome(&Outcome::Value(*value), scale),
            ExpectedWord::Indeterminate => "indeterminate".to_owned(),
            ExpectedWord::Nothing => NOTHING.to_owned(),
        };
        let got =
            oracle.attested.as_ref().map_or_else(|| NOTHING.to_owned(), |said| text::outcome(said, scale));
        check(&format!("attested by {}", oracle.name), expected, got, || why_attested(scenario, number))
    })
    .collect()
}

/// What an oracle attests that nobody heard.
const NOTHING: &str = "nothing that was heard";

/// As many oracles as must agree attested what was paid by, or what settles with it.
fn enough_agree(record: &Record) -> Check {
    let (all, least) = (record.oracles.len(), record.agreement.oracles.threshold);
    let agreeing = record.oracles.iter().filter(|oracle| oracle.agrees).count() as u64;
    let expected = format!("at least {least} of {all}");
    let got = if agreeing >= least { expected.clone() } else { format!("{agreeing} of {all}") };
    check("oracles that agree", expected, got, || None)
}

/// What a party got where no transaction closed the contract.
fn unpaid(record: &Record) -> String {
    if record.is_cancelled() { text::sat(Sat(0)) } else { "nothing was paid".to_owned() }
}

/// Both nodes, as far as they live, raise the alarms that the scenario expects, and no others.
fn alarms(scenario: &Scenario, views: &[Option<EscrowView>; 2]) -> Check {
    let expected = listed(scenario.expect.alarms.iter().map(|name| (*name).to_owned()));
    let raised = |view: &EscrowView| {
        listed(
            view.alarms
                .iter()
                .filter_map(|alarm| serde_json::to_value(alarm.kind).ok()?.as_str().map(str::to_owned)),
        )
    };
    let mut raised = views.iter().flatten().map(raised);
    let other = raised.find(|names| *names != expected);
    let got = other.unwrap_or_else(|| expected.clone());
    check("alarms of both nodes", expected, got, || None)
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.collect();
    names.sort();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn locks_nothing(record: &Record) -> Check {
    let mined = record.transactions.funding.as_ref().and_then(|funding| funding.height);
    let got = mined.map_or_else(|| "nothing".to_owned(), |height| format!("a contract in block {height}"));
    check("locked on the chain", "nothing", got, || None)
}

/// Whether all faults began: one that waits for a state, or comes after the end, shows nothing.
pub fn faults(scenario: &Scenario, happened: usize) -> Check {
    let count = |number: usize| text::counted(number as u64, "fault", "faults");
    check("what went wrong", count(scenario.faults.len()), count(happened), || {
        Some("the others wait for a state that was never seen, or come after the end".to_owned())
    })
}

/// What `earnest-oracle audit` said of the evidence.
/// `whose` names the oracle where there are several.
pub fn audit(whose: Option<&str>, holds: bool, said: &str) -> Check {
    let got = if holds { "holds" } else { "does not hold" };
    let what = whose.map_or_else(
        || "the audit of the evidence".to_owned(),
        |name| format!("the audit of {name}'s evidence"),
    );
    check(&what, "holds", got, || Some(said.trim().to_owned()))
}

/// What `earnest-oracle prove` said of the proof that a node keeps of an oracle's contradicting itself.
pub fn proof(whose: &str, holds: bool, said: &str) -> Check {
    let got = if holds { "proven" } else { "not proven" };
    check(&format!("two outcomes signed by {whose}"), "proven", got, || Some(said.trim().to_owned()))
}

/// What the timeline must come to, by the oracle's own function over one sample a slot.
fn why_outcome(scenario: &Scenario) -> Option<String> {
    Some(comes_to(scenario, &plan::evaluate(scenario).ok()?.report))
}

/// The same for the oracle of this number.
fn why_attested(scenario: &Scenario, oracle: usize) -> Option<String> {
    Some(comes_to(scenario, &plan::evaluate_each(scenario).ok()?.get(oracle)?.report))
}

fn comes_to(scenario: &Scenario, report: &Report) -> String {
    format!(
        "by its timeline the file comes to {} ({} of {} decided probes fail, {} of {} slices unmeasured)",
        text::outcome(&report.outcome, &scenario.measurement.outcome),
        text::thousands(report.probes.bad),
        text::thousands(report.probes.bad + report.probes.good),
        text::thousands(report.slices.unmeasured),
        text::thousands(report.slices.total),
    )
}

fn why_paid(record: &Record) -> Option<String> {
    let agreed = record.payouts.agreed?;
    Some(format!(
        "at this end the agreement pays {} to the provider and {} to the buyer",
        text::sat(agreed.provider_sat),
        text::sat(agreed.buyer_sat)
    ))
}

fn why_state(record: &Record) -> Option<String> {
    let last = record.history.last()?;
    Some(format!("the last that happened: {} {} ({})", last.who, last.what, text::stamp(last.at)))
}

fn same_terms(agreed: &Agreement, views: &[Option<EscrowView>; 2]) -> Check {
    let expected = agreed.terms_hash().to_string();
    let mut hashes = views.iter().flatten().map(|view| view.terms_hash.to_string());
    let other = hashes.find(|hash| *hash != expected);
    let got = other.unwrap_or_else(|| expected.clone());
    check("terms at both nodes", expected, got, || {
        Some("a node holds another agreement than was offered".to_owned())
    })
}

/// Of several oracles one may have attested something else: a node tells its owner what was paid by.
fn nodes_tell(agreed: &Agreement, views: &[Option<EscrowView>; 2], record: &Record) -> Check {
    let table = agreed.compile().ok();
    let pays = |outcome: &Outcome| table.as_ref()?.at(outcome).map(text::sat);
    let words = |outcome: Option<&Outcome>| outcome.and_then(pays).unwrap_or_else(|| "nothing".to_owned());
    let expected = words(record.outcome.as_ref());
    let told = views.iter().flatten().filter_map(|view| view.outcome.as_ref());
    let other = told.map(|outcome| words(Some(outcome))).find(|told| *told != expected);
    let got = other.unwrap_or_else(|| expected.clone());
    check("to the provider by the outcome that the nodes tell", expected, got, || {
        Some("a node tells its owner the word of an oracle that was not paid by".to_owned())
    })
}

fn spends_the_contract(record: &Record) -> Check {
    let funding = record.transactions.funding.as_ref();
    let contract = funding.zip(record.contract()).map(|(tx, output)| format!("{}:{}", tx.txid, output.vout));
    let spent = record.transactions.settling.as_ref().and_then(|tx| match tx.inputs.as_slice() {
        [only] => Some(format!("{}:{}", only.txid, only.vout)),
        _ => None,
    });
    let expected = contract.unwrap_or_else(|| "a funded contract".to_owned());
    check("the closing transaction spends", expected, spent.unwrap_or_else(|| "nothing".to_owned()), || None)
}

fn pays_the_schedule(record: &Record) -> Check {
    let split = |split: Option<crate::record::Split>| {
        split.map_or_else(
            || "nothing".to_owned(),
            |split| {
                format!("{} + {}", text::thousands(split.provider_sat.0), text::thousands(split.buyer_sat.0))
            },
        )
    };
    check("the agreement's schedule pays", split(record.payouts.agreed), split(record.payouts.paid), || {
        Some("the closing transaction's outputs are not what the schedule says".to_owned())
    })
}

fn conserves_value(record: &Record) -> Check {
    let parties = [&record.provider, &record.buyer];
    let came_back: u64 = parties.iter().map(|party| party.change_sat.0 + party.got_out_sat.0).sum();
    let accounted = Sat(came_back + record.fees_sat().0);
    check("put in = change + paid out + fees", text::sat(record.put_in_sat()), text::sat(accounted), || {
        Some("satoshis are missing, or came from nowhere".to_owned())
    })
}

/// Announcements and attestations, by the library's check, which is not ours.
fn signatures(record: &Record) -> Check {
    let attested = record.outcome.is_some();
    let expected = match (record.announcements.len() > 1, attested) {
        (false, true) => "announcement and attestation are valid",
        (false, false) => "the announcement is valid",
        (true, true) => "announcements and attestations are valid",
        (true, false) => "the announcements are valid",
    };
    let verified = verify(&record.event_id, &record.announcements, &record.attestations, attested);
    let verified = verified.map_or_else(|error| error, |()| expected.to_owned());
    let what = if record.oracles.len() > 1 { "the oracles' signatures" } else { "the oracle's signatures" };
    check(what, expected, verified, || None)
}

/// Holds announcements, and the attestations of them where there should be any, to the library's check.
pub(crate) fn verify(
    event: &EventId,
    announcements: &[String],
    attestations: &[String],
    attested: bool,
) -> Result<(), String> {
    let secp = Secp256k1::verification_only();
    let announcements: Vec<OracleAnnouncement> =
        announcements.iter().map(|hex| read(hex)).collect::<Result<_, _>>()?;
    if announcements.is_empty() {
        return Err("there is no announcement".to_owned());
    }
    for announcement in &announcements {
        announcement.validate(&secp).map_err(|error| format!("the announcement: {error}"))?;
        if announcement.oracle_event.event_id != event.as_str() {
            return Err("the announcement is for another event".to_owned());
        }
    }
    if attested && attestations.is_empty() {
        return Err("there is no attestation".to_owned());
    }
    for attestation in attestations {
        let attestation: OracleAttestation = read(attestation)?;
        let its = |announcement: &&OracleAnnouncement| {
            announcement.oracle_public_key == attestation.oracle_public_key
        };
        let announcement =
            announcements.iter().find(its).ok_or("the attestation: of an oracle nobody asked")?;
        attestation.validate(&secp, announcement).map_err(|error| format!("the attestation: {error}"))?;
    }
    Ok(())
}

fn read<T: TlvRecord>(hex: &str) -> Result<T, String> {
    let bytes = hex::decode(hex).map_err(|_| "is not hex".to_owned())?;
    T::from_tlv_bytes(&bytes).map_err(|error| format!("can't be read: {error:?}"))
}
