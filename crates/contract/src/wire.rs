//! Reads the three messages field by field, with a bound and a name for each.
//!
//! The library's own readers recurse where a peer says so (negotiation fields nest without limit, two bytes a level,
//! until the stack ends), keep TLV records that change payouts, and take an older dialect's bytes for this one's.
//! Here nothing optional is ever read, a contract info is compared instead of parsed, and the result, written again,
//! must have the same bytes.

use std::borrow::Cow;

use bitcoin::ScriptBuf;
use dlc_messages::contract_msgs::ContractInfo;
use dlc_messages::lightning::util::ser::{Readable, Writeable};
use dlc_messages::ser_impls::{BigSize, read_ecdsa_adaptor_signature};
use dlc_messages::types::{ACCEPT_TYPE, OFFER_TYPE, SIGN_TYPE};
use dlc_messages::{
    AcceptDlc, CetAdaptorSignature, CetAdaptorSignatures, FundingInput, FundingSignature, FundingSignatures,
    OfferDlc, SignDlc, WitnessElement,
};

use crate::deal::Deal;
use crate::error::{GateError, Message, Rule};
use crate::limits;

/// The only protocol version there is.
const PROTOCOL_VERSION: u32 = 1;

/// A witness of one of the accepted input types has at most a signature and a key.
const MAX_WITNESS_ELEMENTS: u64 = 2;

/// A DER signature with its sighash byte is the longest element.
const MAX_WITNESS_ELEMENT_BYTES: usize = 73;

pub(crate) fn offer(bytes: &[u8], deal: &Deal) -> Result<OfferDlc, GateError> {
    let mut reader = Reader::open(Message::Offer, bytes, OFFER_TYPE)?;
    let protocol_version = reader.version()?;
    let contract_flags = reader.take("contract_flags")?;
    let chain_hash = reader.take("chain_hash")?;
    let temporary_contract_id = reader.take("temporary_contract_id")?;
    reader.contract_info(deal)?;
    let offer = OfferDlc {
        protocol_version,
        contract_flags,
        chain_hash,
        temporary_contract_id,
        contract_info: deal.contract_info().clone(),
        funding_pubkey: reader.take("funding_pubkey")?,
        payout_spk: reader.take("payout_spk")?,
        payout_serial_id: reader.take("payout_serial_id")?,
        offer_collateral: reader.take("offer_collateral")?,
        funding_inputs: reader.inputs()?,
        change_spk: reader.take("change_spk")?,
        change_serial_id: reader.take("change_serial_id")?,
        fund_output_serial_id: reader.take("fund_output_serial_id")?,
        fee_rate_per_vb: reader.take("fee_rate_per_vb")?,
        cet_locktime: reader.take("cet_locktime")?,
        refund_locktime: reader.take("refund_locktime")?,
        tlvs: Default::default(),
    };
    reader.close(&offer)?;
    Ok(offer)
}

pub(crate) fn accept(bytes: &[u8]) -> Result<AcceptDlc, GateError> {
    let mut reader = Reader::open(Message::Accept, bytes, ACCEPT_TYPE)?;
    let accept = AcceptDlc {
        protocol_version: reader.version()?,
        temporary_contract_id: reader.take("temporary_contract_id")?,
        accept_collateral: reader.take("accept_collateral")?,
        funding_pubkey: reader.take("funding_pubkey")?,
        payout_spk: reader.take("payout_spk")?,
        payout_serial_id: reader.take("payout_serial_id")?,
        funding_inputs: reader.inputs()?,
        change_spk: reader.take("change_spk")?,
        change_serial_id: reader.take("change_serial_id")?,
        cet_adaptor_signatures: reader.adaptor_signatures()?,
        refund_signature: reader.take("refund_signature")?,
        negotiation_fields: {
            reader.absent("negotiation_fields", Rule::Unsupported)?;
            None
        },
        tlvs: Default::default(),
    };
    reader.close(&accept)?;
    Ok(accept)
}

pub(crate) fn sign(bytes: &[u8]) -> Result<SignDlc, GateError> {
    let mut reader = Reader::open(Message::Sign, bytes, SIGN_TYPE)?;
    let sign = SignDlc {
        protocol_version: reader.version()?,
        contract_id: reader.take("contract_id")?,
        cet_adaptor_signatures: reader.adaptor_signatures()?,
        refund_signature: reader.take("refund_signature")?,
        funding_signatures: reader.funding_signatures()?,
        tlvs: Default::default(),
    };
    reader.close(&sign)?;
    Ok(sign)
}

struct Reader<'a> {
    message: Message,
    all: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn open(message: Message, bytes: &'a [u8], message_type: u16) -> Result<Self, GateError> {
        if bytes.len() > limits::MAX_MESSAGE_BYTES {
            let rule = Rule::TooLarge { bytes: bytes.len(), most: limits::MAX_MESSAGE_BYTES };
            return Err(GateError::new(message, "message", rule));
        }
        let mut reader = Self { message, all: bytes, rest: bytes };
        reader.expect("type", message_type)?;
        Ok(reader)
    }

    fn refuse(&self, field: impl Into<Cow<'static, str>>, rule: Rule) -> GateError {
        GateError::new(self.message, field, rule)
    }

    fn take<T: Readable>(&mut self, field: impl Into<Cow<'static, str>>) -> Result<T, GateError> {
        T::read(&mut self.rest).map_err(|_| self.refuse(field, Rule::Unreadable))
    }

    fn expect<T>(&mut self, field: &'static str, expected: T) -> Result<T, GateError>
    where
        T: Readable + PartialEq + ToString,
    {
        let got: T = self.take(field)?;
        if got == expected {
            return Ok(got);
        }
        Err(self.refuse(field, Rule::Differs { expected: expected.to_string(), got: got.to_string() }))
    }

    fn version(&mut self) -> Result<u32, GateError> {
        self.expect("protocol_version", PROTOCOL_VERSION)
    }

    /// An option that must not be there: one zero byte.
    fn absent(&mut self, field: impl Into<Cow<'static, str>> + Clone, rule: Rule) -> Result<(), GateError> {
        match self.take::<u8>(field.clone())? {
            0 => Ok(()),
            1 => Err(self.refuse(field, rule)),
            _ => Err(self.refuse(field, Rule::Unreadable)),
        }
    }

    fn count(&mut self, field: impl Into<Cow<'static, str>> + Clone, most: u64) -> Result<u64, GateError> {
        let BigSize(count) = self.take(field.clone())?;
        if count > most {
            return Err(self.refuse(field, Rule::TooMany { count, most }));
        }
        Ok(count)
    }

    fn bytes(
        &mut self,
        field: impl Into<Cow<'static, str>> + Clone,
        most: usize,
    ) -> Result<Vec<u8>, GateError> {
        let count = self.count(field.clone(), most as u64)? as usize;
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or_else(|| self.refuse(field, Rule::Unreadable))?;
        self.rest = rest;
        Ok(taken.to_vec())
    }

    /// Byte for byte the contract info that the agreement means. A foreign one is never handed to the library's
    /// payout code; it is read only to say where it differs.
    fn contract_info(&mut self, deal: &Deal) -> Result<(), GateError> {
        match self.rest.strip_prefix(deal.info_bytes()) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(crate::gate::explain::contract_info(self.rest, deal.contract_info())),
        }
    }

    fn inputs(&mut self) -> Result<Vec<FundingInput>, GateError> {
        let count = self.count("funding_inputs", limits::MAX_INPUTS as u64)?;
        (0..count).map(|index| self.input(index)).collect()
    }

    fn input(&mut self, index: u64) -> Result<FundingInput, GateError> {
        let field = |name: &str| format!("funding_inputs[{index}].{name}");
        Ok(FundingInput {
            input_serial_id: self.take(field("input_serial_id"))?,
            prev_tx: self.bytes(field("prev_tx"), limits::MAX_PREV_TX_BYTES)?,
            prev_tx_vout: self.take(field("prev_tx_vout"))?,
            sequence: self.take(field("sequence"))?,
            max_witness_len: self.take(field("max_witness_len"))?,
            redeem_script: self.take::<ScriptBuf>(field("redeem_script"))?,
            dlc_input: {
                self.absent(field("dlc_input"), Rule::Splice)?;
                None
            },
        })
    }

    fn adaptor_signatures(&mut self) -> Result<CetAdaptorSignatures, GateError> {
        let count = self.count("cet_adaptor_signatures", limits::MAX_SIGNATURES)?;
        let ecdsa_adaptor_signatures = (0..count)
            .map(|index| {
                let signature = read_ecdsa_adaptor_signature(&mut self.rest)
                    .map_err(|_| self.refuse(format!("cet_adaptor_signatures[{index}]"), Rule::Unreadable))?;
                Ok(CetAdaptorSignature { signature })
            })
            .collect::<Result<Vec<_>, GateError>>()?;
        Ok(CetAdaptorSignatures { ecdsa_adaptor_signatures })
    }

    fn funding_signatures(&mut self) -> Result<FundingSignatures, GateError> {
        let count = self.count("funding_signatures", limits::MAX_INPUTS as u64)?;
        let funding_signatures =
            (0..count).map(|index| self.funding_signature(index)).collect::<Result<Vec<_>, _>>()?;
        Ok(FundingSignatures { funding_signatures })
    }

    fn funding_signature(&mut self, index: u64) -> Result<FundingSignature, GateError> {
        let field = format!("funding_signatures[{index}]");
        let count = self.count(field.clone(), MAX_WITNESS_ELEMENTS)?;
        let witness_elements = (0..count)
            .map(|_| Ok(WitnessElement { witness: self.bytes(field.clone(), MAX_WITNESS_ELEMENT_BYTES)? }))
            .collect::<Result<Vec<_>, GateError>>()?;
        Ok(FundingSignature { witness_elements })
    }

    /// Nothing may follow, and the message must be its own one spelling.
    fn close(self, message: &impl Writeable) -> Result<(), GateError> {
        if !self.rest.is_empty() {
            return Err(self.refuse("tlvs", Rule::TrailingBytes { bytes: self.rest.len() }));
        }
        if message.encode() != self.all {
            return Err(self.refuse("message", Rule::NotCanonical));
        }
        Ok(())
    }
}

/// What a message names of the chain, found without any agreement: see [`crate::gate::claims`].
pub(crate) fn claimed(bytes: &[u8]) -> Result<(Message, Vec<FundingInput>, [ScriptBuf; 2]), GateError> {
    let is_offer = bytes.starts_with(&OFFER_TYPE.to_be_bytes());
    let message = if is_offer { Message::Offer } else { Message::Accept };
    let mut reader = Reader::open(message, bytes, if is_offer { OFFER_TYPE } else { ACCEPT_TYPE })?;
    reader.version()?;
    if is_offer {
        reader.skip("contract_flags, chain_hash, temporary_contract_id", 1 + 32 + 32)?;
        reader.skip_contract_info()?;
    } else {
        reader.skip("temporary_contract_id, accept_collateral", 32 + 8)?;
    }
    reader.skip("funding_pubkey", 33)?;
    let payout_spk = reader.take("payout_spk")?;
    reader.skip("payout_serial_id", if is_offer { 8 + 8 } else { 8 })?;
    let inputs = reader.inputs()?;
    let change_spk = reader.take("change_spk")?;
    Ok((message, inputs, [payout_spk, change_spk]))
}

impl Reader<'_> {
    fn skip(&mut self, field: &'static str, bytes: usize) -> Result<(), GateError> {
        self.rest = self.rest.get(bytes..).ok_or_else(|| self.refuse(field, Rule::Unreadable))?;
        Ok(())
    }

    /// Reads past a contract info whose content does not matter. Its reader does not recurse.
    fn skip_contract_info(&mut self) -> Result<(), GateError> {
        let window = &self.rest[..self.rest.len().min(limits::MAX_CONTRACT_INFO_BYTES)];
        let mut left = window;
        ContractInfo::read(&mut left).map_err(|_| self.refuse("contract_info", Rule::Unreadable))?;
        self.skip("contract_info", window.len() - left.len())
    }
}
