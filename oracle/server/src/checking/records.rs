//! Attestations, announcements and sights of logs out of whatever somebody was handed.
//!
//! Hex of a TLV record; kormir's JSON; what `/v1/events/{id}` answers; an evidence bundle; an alarm of a node, or a list
//! of any of these. Nothing is believed here: signatures are checked by whoever uses them.

use std::fs;
use std::io::Read as _;

use anyhow::{Context, bail};
use dlc_messages::oracle_msgs::{OracleAnnouncement, OracleAttestation};
use protocol::oracle::LogContradiction;
use serde_json::Value;
use signer::wire;

/// A longer file is refused, as a longer bundle is.
const MAX_BYTES: u64 = ledger::bundle::MAX_BUNDLE_BYTES as u64;
/// So many attestations are compared with each other.
const MAX_RECORDS: usize = 10_000;
/// Lists in lists in lists are nobody's format.
const MAX_DEPTH: usize = 4;

/// What was found, each attestation with the argument that it came from.
#[derive(Debug, Default)]
pub struct Records {
    /// Attestations, in the order in which they were read.
    pub attestations: Vec<(String, OracleAttestation)>,
    /// Announcements.
    pub announcements: Vec<OracleAnnouncement>,
    /// Pairs of checkpoints of a log, with what shows that they do not go together.
    pub logs: Vec<LogContradiction>,
}

impl Records {
    /// Reads one argument: hex, or the name of a file.
    ///
    /// # Errors
    /// When the file can't be read, or nothing in it is of use.
    pub fn read(&mut self, argument: &str) -> anyhow::Result<()> {
        let before = self.count();
        if is_hex(argument) && argument.len() > 128 {
            self.take_hex("the hex", argument)?;
        } else {
            let bytes = read_file(argument)?;
            let text = std::str::from_utf8(&bytes).context("is no text")?.trim();
            if is_hex(text) {
                self.take_hex(argument, text)?;
            } else {
                let json: Value = serde_json::from_str(text).context("is neither hex nor JSON")?;
                self.take_json(argument, &json, MAX_DEPTH)?;
            }
        }
        if self.count() == before {
            bail!("holds no attestation, no announcement, and no checkpoints that do not go together");
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.attestations.len() + self.announcements.len() + self.logs.len()
    }

    /// The announcement that an attestation of this key and event must answer, where one was read.
    pub fn announcement_of(&self, attestation: &OracleAttestation) -> Option<&OracleAnnouncement> {
        self.announcements.iter().find(|announcement| {
            announcement.oracle_public_key == attestation.oracle_public_key
                && announcement.oracle_event.event_id == attestation.event_id
        })
    }

    fn take_hex(&mut self, source: &str, hex: &str) -> anyhow::Result<()> {
        if let Ok(announcement) = wire::parse_announcement(hex) {
            return self.announced(announcement);
        }
        let attestation =
            wire::parse_attestation(hex).context("is no attestation's TLV, nor an announcement's")?;
        self.attested(source, attestation)
    }

    fn take_json(&mut self, source: &str, json: &Value, depth: usize) -> anyhow::Result<()> {
        match json {
            Value::Array(items) if depth > 0 => {
                items.iter().try_for_each(|item| self.take_json(source, item, depth - 1))
            }
            Value::Object(fields) => {
                if fields.contains_key("oracleEvent") {
                    return self.announced(serde_json::from_value(json.clone())?);
                }
                if fields.contains_key("signatures") && fields.contains_key("outcomes") {
                    return self.attested(source, serde_json::from_value(json.clone())?);
                }
                match fields.get("kind").and_then(Value::as_str) {
                    // This alarm's proof is a transaction.
                    Some("unknown_spend") => return Ok(()),
                    Some("forked_log") => return self.forked(fields.get("log").unwrap_or(&Value::Null)),
                    // Of a bundle the log is where its outcome stands, and no contradiction.
                    _ => {}
                }
                let known = ["announcement", "announcement_hex", "attestation", "attestation_hex", "proof"];
                let mut known = known.iter().filter_map(|name| Some((name, fields.get(*name)?)));
                known.try_for_each(|(name, value)| {
                    self.take_field(source, value, depth).with_context(|| (*name).to_owned())
                })
            }
            _ => Ok(()),
        }
    }

    /// A field that holds a record: as hex, as JSON, or several of them.
    fn take_field(&mut self, source: &str, value: &Value, depth: usize) -> anyhow::Result<()> {
        match value {
            Value::String(hex) => self.take_hex(source, hex),
            Value::Array(items) if depth > 0 => {
                items.iter().try_for_each(|item| self.take_field(source, item, depth - 1))
            }
            other => self.take_json(source, other, depth.saturating_sub(1)),
        }
    }

    fn attested(&mut self, source: &str, attestation: OracleAttestation) -> anyhow::Result<()> {
        self.attestations.push((source.to_owned(), attestation));
        self.bounded()
    }

    fn forked(&mut self, log: &Value) -> anyhow::Result<()> {
        self.logs.push(serde_json::from_value(log.clone()).context("log")?);
        self.bounded()
    }

    fn announced(&mut self, announcement: OracleAnnouncement) -> anyhow::Result<()> {
        self.announcements.push(announcement);
        self.bounded()
    }

    fn bounded(&self) -> anyhow::Result<()> {
        if self.attestations.len().max(self.announcements.len()).max(self.logs.len()) > MAX_RECORDS {
            bail!("more than {MAX_RECORDS} records are not compared");
        }
        Ok(())
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn read_file(name: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(name).context("is no file, and no hex of an attestation")?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        bail!("is longer than the {MAX_BYTES} bytes that are read");
    }
    Ok(bytes)
}
