//! Reading an exported file, and finding what was done to it.

use std::fmt;

use terms::Hex32;

use crate::batch::{Batch, End, root};
use crate::export::Record;
use crate::line::Line;

/// The longest line that is looked at, in bytes.
const LONGEST_LINE: usize = 8_192;

/// What a file says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many receipts it has.
    pub receipts: u64,
    /// How many of them are open.
    pub open: u64,
    /// How many batches it has.
    pub batches: u64,
    /// Who signed batches and end, each once.
    pub keys: Vec<Hex32>,
    /// What is wrong; a file as it was exported has nothing.
    pub findings: Vec<Finding>,
}

/// Something that is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file's line, from 1.
    pub line: usize,
    /// What.
    pub fault: Fault,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.fault)
    }
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is nothing that an export writes.
    #[error("is no record as it was exported: edited, or inserted")]
    NoRecord,
    /// The movement is not what the line committed to.
    #[error("receipt {seq} was edited: it is not what it committed to")]
    Edited {
        /// The receipt.
        seq: u64,
    },
    /// Number, `prev`, commitment and hash of the line do not belong together.
    #[error("receipt {seq} was edited: its hash is another")]
    WrongHash {
        /// The receipt.
        seq: u64,
    },
    /// It does not follow from the line before.
    #[error("receipt {seq} does not follow the one before it: one of the two was replaced")]
    WrongPrev {
        /// The receipt.
        seq: u64,
    },
    /// Lines are missing in front of it.
    #[error("receipts {from} to {to} are missing before it: dropped, or moved")]
    Missing {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// It should have come before: it was inserted, repeated or moved.
    #[error("receipt {seq} is out of place: inserted, repeated or moved")]
    OutOfPlace {
        /// The receipt.
        seq: u64,
    },
    /// A batch or the end is not signed by the key that it names.
    #[error("was edited: the signature is not its key's")]
    WrongSignature,
    /// A batch or the end is signed by a key that is not believed.
    #[error("is signed by {key}, which is not the key that was asked for")]
    OtherKey {
        /// The key.
        key: Hex32,
    },
    /// A batch does not follow from the batch before.
    #[error("batch {number} is out of place: one was dropped, inserted or moved")]
    BatchOutOfPlace {
        /// The batch.
        number: u64,
    },
    /// The lines before a batch are not those that were signed.
    #[error("receipts {from} to {to} are not those that were signed in batch {number}")]
    NotSigned {
        /// The batch.
        number: u64,
        /// Its first receipt.
        from: u64,
        /// Its last receipt.
        to: u64,
    },
    /// The end tells of other lines.
    #[error("the end tells of {lines} receipts and {batches} batches: something was dropped or inserted")]
    OtherEnd {
        /// As it tells.
        lines: u64,
        /// As it tells.
        batches: u64,
    },
    /// The end is missing: the file was cut off.
    #[error("the signed end is missing: the file was cut off")]
    NoEnd,
    /// Something stands after the end.
    #[error("stands after the end")]
    AfterEnd,
}

/// Verifies an exported file. With `keys` given, whoever else signed is a finding.
pub fn verify(text: &str, keys: &[Hex32]) -> Report {
    let mut reader = Reader { keys, ..Reader::default() };
    let mut lines = 0;
    for (index, line) in text.split_terminator('\n').enumerate() {
        lines = index + 1;
        reader.line = lines;
        reader.read(line);
    }
    reader.line = lines + 1;
    if !reader.ended {
        reader.find(Fault::NoEnd);
    } else if !text.ends_with('\n') {
        reader.line = lines;
        reader.find(Fault::NoRecord);
    }
    reader.report
}

#[derive(Default)]
struct Reader<'a> {
    keys: &'a [Hex32],
    report: Report,
    line: usize,
    /// The number of the next receipt.
    next: u64,
    /// The hash of the last receipt; `None` after one that could not be read.
    head: Option<Hex32>,
    began: bool,
    /// Numbers and commitments of the receipts since the last batch.
    open_batch: Vec<Hex32>,
    batch_first: u64,
    batch_next: u64,
    batch_prev: Option<Hex32>,
    ended: bool,
}

impl Reader<'_> {
    fn find(&mut self, fault: Fault) {
        self.report.findings.push(Finding { line: self.line, fault });
    }

    fn read(&mut self, text: &str) {
        if self.ended {
            return self.find(Fault::AfterEnd);
        }
        let record = if text.len() <= LONGEST_LINE { Record::parse(text) } else { None };
        match record {
            Some(Record::Receipt(line)) => self.receipt(&line),
            Some(Record::Batch(batch)) => self.batch(&batch),
            Some(Record::End(end)) => self.end(&end),
            None => self.unreadable(text),
        }
    }

    /// What it was is guessed, so that the lines after it are not blamed.
    fn unreadable(&mut self, text: &str) {
        self.find(Fault::NoRecord);
        if text.contains("\"commitment\"") {
            self.next += 1;
            (self.began, self.head) = (true, None);
            self.open_batch.push(Hex32([0; 32]));
            self.report.receipts += 1;
        } else if text.contains("\"root\"") {
            self.batch_next += 1;
            self.batch_prev = None;
            self.after_batch();
            self.report.batches += 1;
        } else if text.contains("\"end\"") {
            self.ended = true;
        }
    }

    fn receipt(&mut self, line: &Line) {
        let seq = line.seq;
        self.report.receipts += 1;
        self.report.open += u64::from(line.opening.is_some());
        if line.opening.as_ref().is_some_and(|opening| opening.commitment() != line.commitment) {
            self.find(Fault::Edited { seq });
        }
        if line.expected_hash() != line.hash {
            self.find(Fault::WrongHash { seq });
        }
        if seq < self.next {
            return self.find(Fault::OutOfPlace { seq });
        }
        let first = if self.began { self.head } else { Some(Hex32([0; 32])) };
        if seq > self.next {
            self.find(Fault::Missing { from: self.next, to: seq - 1 });
        } else if first.is_some_and(|head| head != line.prev) {
            self.find(Fault::WrongPrev { seq });
        }
        (self.began, self.head, self.next) = (true, Some(line.hash), seq.saturating_add(1));
        self.open_batch.push(line.commitment);
    }

    fn batch(&mut self, batch: &Batch) {
        let told = &batch.batch;
        self.report.batches += 1;
        self.signer(batch.is_signed(), told.key);
        let first = if told.number == 0 { Some(Hex32([0; 32])) } else { self.batch_prev };
        if told.number != self.batch_next || first.is_some_and(|prev| prev != told.prev) {
            self.find(Fault::BatchOutOfPlace { number: told.number });
        }
        let lines = (self.batch_first, self.open_batch.len() as u64);
        let same = lines == (told.first, told.count)
            && root(self.open_batch.iter().copied()) == told.root
            && self.head.is_none_or(|head| head == told.head);
        if !same {
            let to = told.first.saturating_add(told.count).saturating_sub(1);
            self.find(Fault::NotSigned { number: told.number, from: told.first, to });
        }
        self.batch_next = told.number.saturating_add(1);
        self.batch_prev = Some(batch.hash());
        self.after_batch();
    }

    fn after_batch(&mut self) {
        self.open_batch.clear();
        self.batch_first = self.next;
    }

    fn end(&mut self, end: &End) {
        self.ended = true;
        let told = &end.end;
        self.signer(end.is_signed(), told.key);
        let head = if self.began { self.head } else { Some(Hex32([0; 32])) };
        let same = (told.lines, told.batches) == (self.report.receipts, self.report.batches)
            && head.is_none_or(|head| head == told.head);
        if !same {
            self.find(Fault::OtherEnd { lines: told.lines, batches: told.batches });
        }
    }

    fn signer(&mut self, signed: bool, key: Hex32) {
        if !signed {
            self.find(Fault::WrongSignature);
        }
        if !self.keys.is_empty() && !self.keys.contains(&key) {
            self.find(Fault::OtherKey { key });
        }
        if !self.report.keys.contains(&key) {
            self.report.keys.push(key);
        }
    }
}
