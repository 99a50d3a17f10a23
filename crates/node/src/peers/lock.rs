//! Locking money: the steps from agreed terms to a complete funding transaction.
//!
//! Each step turns what the peer sent into events and an answer. Nothing leaves before both are
//! written, and no message of the peer is used before `contract::gate` has checked it. Whether it is a message's turn
//! is asked first, since checking and signing are dear: a peer that repeats itself costs nothing.

use bitcoin::{Amount, OutPoint};
use contract::{
    CheckedAccept, CheckedOffer, CoinReport, CoinState, Deal, ForeignCoins, FundingNeed, PartyFunding, Role,
    Serials, funding_need, gate,
};
use engine::{Bytes, Coin, Command, DlcRole, Escrow, Event, Opened, decide};
use protocol::{Body, HexBytes};
use terms::{Agreement, Hex32, Sat, Side, UnixSeconds};
use tokio::task::block_in_place;
use wallet::CoinRequest;
use wallet::chain::View;

use crate::chain::bytes;
use crate::core::Core;
use crate::error::NodeError;
use crate::keys::random;

/// What a P2WPKH input declares as its witness, and the length of a P2WPKH script (dlcspecs, "Fees").
const WITNESS_LEN: u16 = 108;
const P2WPKH_LEN: usize = 22;
/// The longest payout script that a peer may name (P2WSH, P2TR).
const LONGEST_SCRIPT: usize = 34;
/// One P2WPKH input in vB.
const INPUT_VB: u64 = 68;

/// An escrow's next event and the body that answers the peer.
pub(crate) type Step = (Event, Option<Body>);

impl Core {
    /// The first event of an escrow: both sides agreed to these terms. The owner's mandate is asked here, before
    /// anything of ours is reserved or signed.
    pub(crate) fn begin(
        &self,
        id: Hex32,
        side: Side,
        agreement: Agreement,
        announcements: &[Vec<u8>],
        now: u64,
    ) -> Result<Opened, NodeError> {
        self.config.check_margin(&agreement)?;
        let deal = Deal::parse(agreement, announcements)?;
        self.check_mandate(id, &deal, side, 1, now)?;
        let role = match contract::role_of(deal.agreement(), side) {
            Role::Offerer => DlcRole::Offerer,
            Role::Accepter => DlcRole::Accepter,
        };
        Ok(Opened {
            id,
            side,
            role,
            agreement: deal.agreement().clone(),
            announcements: announcements.iter().cloned().map(Into::into).collect(),
            maturity: deal.announcements().latest_maturity().0,
            first_maturity: Some(deal.announcements().first_maturity().0),
            temporary_id: id,
            height: self.follower.tip().map_or(self.wallet.height(), |tip| tip.height),
            renews: None,
            sign_by: (side == Side::Provider).then(|| now.saturating_add(self.config.locking.sign_within_s)),
        })
    }

    /// Whether the owner allows an escrow that brings so many coins, beside all others that live.
    fn check_mandate(
        &self,
        id: Hex32,
        deal: &Deal,
        side: Side,
        inputs: usize,
        now: u64,
    ) -> Result<(), NodeError> {
        let fees = own_fees(deal.agreement(), side, inputs);
        let refund = UnixSeconds(u64::from(deal.refund_locktime()));
        let commitment = mandate::Commitment::of(deal.agreement(), side, fees, refund, UnixSeconds(now));
        let allowed = self.may_commit(id, deal.agreement().terms_hash(), commitment, now);
        allowed.map_err(|error| error.about(deal.agreement()))
    }

    /// The mandate stands in front of every signature: it may have become stricter since the escrow began.
    fn still_allowed(&self, escrow: &Escrow, deal: &Deal, now: u64) -> Result<(), NodeError> {
        self.check_mandate(escrow.id(), deal, escrow.opened.side, escrow.coins.len().max(1), now)
    }

    /// Offerer: makes the offer.
    pub(crate) fn make_offer(&mut self, opened: &Opened, now: u64) -> Result<Step, NodeError> {
        let deal = deal(opened)?;
        let mut serials = Serials::new(random()?);
        let (own, coins) = self.own_side(&deal, opened, &mut serials, now)?;
        let offer = contract::create_offer(&deal, own, opened.temporary_id.0, serials.next_id())?;
        let command = Command::MakeOffer { offer: offer.bytes().into(), coins };
        let event = new_event(&Escrow::new(opened.clone()), command, now)?;
        Ok((event, Some(Body::DlcOffer { message_hex: HexBytes(offer.bytes()) })))
    }

    /// Accepter: checks the peer's offer, and accepts it.
    pub(crate) fn take_offer(&mut self, id: Hex32, message: &[u8], now: u64) -> Result<Step, NodeError> {
        let escrow = self.escrow(id)?;
        let opened = escrow.opened.clone();
        let none = Bytes(Vec::new());
        let command = Command::TakeOffer {
            offer: message.to_vec().into(),
            accept: none,
            coins: Vec::new(),
            funding: OutPoint::null(),
        };
        new_event(escrow, command, now)?;
        let deal = deal(&opened)?;
        let coins = self.foreign_coins(message)?;
        let offer = gate::offer(message, &deal, &coins, UnixSeconds(now))?;
        self.same_temporary_id(&opened, offer.temporary_id())?;
        let (own, coins) = self.own_side(&deal, &opened, &mut Serials::new(random()?), now)?;
        let key = self.keys.contracts.secret(opened.temporary_id.0)?;
        let accepted = block_in_place(|| contract::accept_offer(&offer, own, &key, UnixSeconds(now)))?;
        let command = Command::TakeOffer {
            offer: offer.bytes().into(),
            accept: accepted.bytes().into(),
            coins,
            funding: accepted.transactions().funding_outpoint,
        };
        let event = new_event(self.escrow(id)?, command, now)?;
        Ok((event, Some(Body::DlcAccept { message_hex: HexBytes(accepted.bytes()) })))
    }

    /// Offerer: checks the peer's accept, and signs.
    pub(crate) fn take_accept(&mut self, id: Hex32, message: &[u8], now: u64) -> Result<Step, NodeError> {
        let escrow = self.escrow(id)?.clone();
        let command = Command::TakeAccept {
            accept: message.to_vec().into(),
            sign: Bytes(Vec::new()),
            funding: OutPoint::null(),
        };
        new_event(&escrow, command, now)?;
        let offer = stored_offer(&escrow)?;
        self.still_allowed(&escrow, offer.deal(), now)?;
        let coins = self.foreign_coins(message)?;
        let accepted = block_in_place(|| gate::accept(message, &offer, &coins, UnixSeconds(now)))?;
        let psbt = self.signed_psbt(&accepted, &escrow)?;
        let key = self.keys.contracts.secret(escrow.opened.temporary_id.0)?;
        let contract = block_in_place(|| contract::sign_accept(&accepted, &key, &psbt))?;
        let command = Command::TakeAccept {
            accept: accepted.bytes().into(),
            sign: contract.sign_bytes().into(),
            funding: contract.transactions().funding_outpoint,
        };
        let event = new_event(&escrow, command, now)?;
        let sign = HexBytes(contract.sign_bytes());
        self.contracts.insert(id, contract);
        Ok((event, Some(Body::DlcSign { message_hex: sign })))
    }

    /// Accepter: checks the peer's signatures, and completes the funding transaction.
    pub(crate) fn take_sign(&mut self, id: Hex32, message: &[u8], now: u64) -> Result<Step, NodeError> {
        let escrow = self.escrow(id)?.clone();
        let command = Command::TakeSign { sign: message.to_vec().into(), funding_tx: Bytes(Vec::new()) };
        new_event(&escrow, command, now)?;
        let accept = escrow.accept.as_ref().ok_or(engine::Refusal::Missing("accept"))?;
        let offer = stored_offer(&escrow)?;
        self.still_allowed(&escrow, offer.deal(), now)?;
        let accepted = block_in_place(|| CheckedAccept::reload(&accept.0, &offer))?;
        let contract = block_in_place(|| gate::sign(message, &accepted, UnixSeconds(now)))?;
        let psbt = self.signed_psbt(&accepted, &escrow)?;
        let funding = block_in_place(|| contract::finalize(&contract, &psbt))?;
        let command = Command::TakeSign { sign: contract.sign_bytes().into(), funding_tx: bytes(&funding) };
        let event = new_event(&escrow, command, now)?;
        self.contracts.insert(id, contract);
        Ok((event, None))
    }

    /// The funding transaction with our own inputs signed, and no others.
    fn signed_psbt(&self, accepted: &CheckedAccept, escrow: &Escrow) -> Result<bitcoin::Psbt, NodeError> {
        let mut psbt = accepted.funding_psbt()?;
        let own: Vec<OutPoint> = escrow.coins.iter().map(|coin| coin.outpoint).collect();
        self.wallet.sign_own_inputs(&mut psbt, &own)?;
        Ok(psbt)
    }

    /// Our key, coins and scripts for a contract. How many coins it takes decides the fees, so the mandate is asked again.
    fn own_side(
        &mut self,
        deal: &Deal,
        opened: &Opened,
        serials: &mut Serials,
        now: u64,
    ) -> Result<(PartyFunding, Vec<Coin>), NodeError> {
        let key = self.keys.contracts.public(opened.temporary_id.0)?;
        let chosen = self.coins_for(&opened.agreement, opened.side)?;
        self.check_mandate(opened.id, deal, opened.side, chosen.len().max(1), now)?;
        let coins = chosen
            .iter()
            .map(|coin| Coin { outpoint: coin.outpoint, value_sat: Sat(coin.txout.value.to_sat()) })
            .collect();
        let inputs = chosen.iter().map(|coin| (coin.prev_tx.as_ref().clone(), coin.outpoint.vout)).collect();
        let payout = self.wallet.new_payout_script();
        let change = self.wallet.new_change_script();
        Ok((PartyFunding::new(key, inputs, payout, change, serials), coins))
    }

    /// The coins that one side's part takes; none where it brings nothing.
    pub(crate) fn coins_for(
        &self,
        agreement: &Agreement,
        side: Side,
    ) -> Result<Vec<wallet::Coin>, NodeError> {
        let need = need(agreement, side, 0);
        if need.collateral.0 == 0 {
            return Ok(Vec::new());
        }
        let request = CoinRequest {
            target: Amount::from_sat(need.total().0),
            fee_per_input: Amount::from_sat(INPUT_VB.saturating_mul(agreement.fee_rate_sat_vb)),
            min_confirmations: 1,
        };
        Ok(self.choose_coins(request)?)
    }

    /// What our own node and wallet say about everything that a peer's message names.
    fn foreign_coins(&self, message: &[u8]) -> Result<ForeignCoins, NodeError> {
        let claims = gate::claims(message)?;
        let mut coins = ForeignCoins::new();
        for outpoint in claims.inputs {
            let ours = self.wallet.is_own_coin(&outpoint) || self.reserved.contains_key(&outpoint);
            coins.insert(outpoint, CoinReport { ours, state: self.coin_state(&outpoint)? });
        }
        for script in claims.scripts {
            if self.wallet.is_mine(&script) {
                coins.insert_own_script(script);
            }
        }
        Ok(coins)
    }

    /// A coin that is unspent in blocks but gone from the mempool's view is being spent.
    fn coin_state(&self, outpoint: &OutPoint) -> Result<CoinState, NodeError> {
        let mempool = block_in_place(|| self.chain.utxo(outpoint, View::Mempool))?;
        if let Some(utxo) = mempool {
            return Ok(CoinState::Unspent {
                value: utxo.value,
                script: utxo.script_pubkey,
                confirmations: utxo.confirmations,
                coinbase: utxo.coinbase,
            });
        }
        let in_blocks = block_in_place(|| self.chain.utxo(outpoint, View::Chain))?;
        Ok(if in_blocks.is_some() { CoinState::Spent } else { CoinState::Unknown })
    }

    /// Both sides use the session's id, so that contract and session cannot be mixed up.
    fn same_temporary_id(&self, opened: &Opened, got: [u8; 32]) -> Result<(), NodeError> {
        if got == opened.temporary_id.0 {
            return Ok(());
        }
        Err(terms::DocumentError::new("offer.temporary_contract_id", "must be the session's id").into())
    }
}

/// One side's part of the funding and CET fees, when it brings so many coins.
pub(crate) fn own_fees(agreement: &Agreement, side: Side, inputs: usize) -> Sat {
    let need = need(agreement, side, inputs);
    Sat(need.funding_fee.0.saturating_add(need.cet_fee.0))
}

/// What an escrow commits of ours, collateral, fees, bumps and the cancel's fee, as the mandate counts it.
pub(crate) fn committed(escrow: &Escrow) -> Sat {
    let need = need(escrow.agreement(), escrow.opened.side, escrow.coins.len().max(1)).total();
    let extra = escrow.bump_fees().0.saturating_add(cancel_fee(escrow).0);
    Sat(need.0.saturating_add(extra))
}

/// What our newest cancel pays: all our coins less what comes back.
fn cancel_fee(escrow: &Escrow) -> Sat {
    let Some(tx) = escrow.cancel.as_ref().and_then(crate::chain::parse) else { return Sat(0) };
    let back = tx.output.iter().map(|output| output.value.to_sat()).fold(0, u64::saturating_add);
    let coins = escrow.coins.iter().map(|coin| coin.value_sat.0).fold(0, u64::saturating_add);
    Sat(coins.saturating_sub(back))
}

/// The peer's coins in the funding transaction, from its message that passed the gate.
pub(crate) fn peer_coins(escrow: &Escrow) -> Vec<OutPoint> {
    let message = match escrow.opened.role {
        DlcRole::Offerer => &escrow.accept,
        DlcRole::Accepter => &escrow.offer,
    };
    let claims = message.as_ref().and_then(|message| gate::claims(&message.0).ok());
    claims.map(|claims| claims.inputs).unwrap_or_default()
}

/// What a single coin must be worth to be one side's whole part of an escrow; none where that side brings nothing.
pub(crate) fn one_coin(agreement: &Agreement, side: Side) -> Option<Amount> {
    let need = need(agreement, side, 0);
    let input = INPUT_VB.saturating_mul(agreement.fee_rate_sat_vb);
    (need.collateral.0 > 0).then(|| Amount::from_sat(need.total().0.saturating_add(input)))
}

/// What a side that funds with one coin pays for funding and CET.
pub(crate) fn fees(agreement: &Agreement, side: Side) -> Sat {
    let need = need(agreement, side, 1);
    Sat(need.funding_fee.0.saturating_add(need.cet_fee.0))
}

fn need(agreement: &Agreement, side: Side, inputs: usize) -> FundingNeed {
    let witnesses = vec![WITNESS_LEN; inputs];
    funding_need(agreement, side, &witnesses, P2WPKH_LEN, P2WPKH_LEN, LONGEST_SCRIPT)
}

fn deal(opened: &Opened) -> Result<Deal, NodeError> {
    let announcements: Vec<&[u8]> = opened.announcements.iter().map(|tlv| tlv.0.as_slice()).collect();
    Ok(Deal::parse(opened.agreement.clone(), &announcements)?)
}

fn stored_offer(escrow: &Escrow) -> Result<CheckedOffer, NodeError> {
    let offer = escrow.offer.as_ref().ok_or(engine::Refusal::Missing("offer"))?;
    Ok(CheckedOffer::reload(&offer.0, &deal(&escrow.opened)?)?)
}

/// The event of a step that was not taken before: a repeated envelope is answered from the transcript, so a repeated
/// message in a new envelope is out of turn.
fn new_event(escrow: &Escrow, command: Command, now: u64) -> Result<Event, NodeError> {
    decide(escrow, command, now)?.ok_or(NodeError::Reused { what: "message" })
}
