//! What a party can do with its seed and without its node: sign anything with its own keys.

use bitcoin::absolute::LockTime;
use bitcoin::bip32::{ChildNumber, Xpriv};
use bitcoin::key::{CompressedPublicKey, Keypair, Secp256k1};
use bitcoin::opcodes::all::OP_CHECKMULTISIG;
use bitcoin::script::Builder;
use bitcoin::secp256k1::{Message, PublicKey, SecretKey};
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{Amount, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, ecdsa};
use blackbox::{Party, World, witness};
use contract::ContractKeys;
use protocol::owner::EscrowView;
use wallet::Seed;

/// So many addresses of each chain are looked through.
const ADDRESSES: u32 = 40;

/// A party's seed in other hands than its node's.
pub struct Rogue(Seed);

impl Rogue {
    /// Reads the party's seed file.
    pub fn of(party: &Party) -> Self {
        Self(Seed::load(&party.service.data_dir().join("seed"), None).unwrap())
    }

    /// The key that signs the party's envelopes.
    pub fn identity(&self) -> Keypair {
        self.0.identity_key(Network::Regtest, 0)
    }

    /// Spends coins of the wallet to where nobody looks for them.
    pub fn spend(&self, world: &World, coins: &[OutPoint], fee_sat: u64) -> Transaction {
        let outputs: Vec<TxOut> = coins.iter().map(|coin| output(world, *coin)).collect();
        let total: Amount = outputs.iter().map(|output| output.value).sum();
        let mut tx = unsigned(coins, total - Amount::from_sat(fee_sat));
        for (index, output) in outputs.iter().enumerate() {
            let key = self.key_of(&output.script_pubkey);
            let hash = SighashCache::new(&tx)
                .p2wpkh_signature_hash(index, &output.script_pubkey, output.value, EcdsaSighashType::All)
                .unwrap();
            let signature = sign(hash, &key.secret_key());
            tx.input[index].witness = Witness::p2wpkh(&signature, &key.public_key());
        }
        tx
    }

    fn key_of(&self, script: &ScriptBuf) -> Keypair {
        let secp = Secp256k1::new();
        let account: Xpriv = self.0.wallet_account(Network::Regtest);
        let paths = (0..2).flat_map(|chain| (0..ADDRESSES).map(move |index| [chain, index]));
        let keys = paths.map(|path| {
            let path = path.map(|index| ChildNumber::Normal { index });
            account.derive_priv(&secp, &path).unwrap().to_keypair(&secp)
        });
        let pays = |key: &Keypair| {
            ScriptBuf::new_p2wpkh(&CompressedPublicKey(key.public_key()).wpubkey_hash()) == *script
        };
        keys.into_iter().find(pays).expect("the coin is this wallet's")
    }

    fn contract_key(&self, view: &EscrowView) -> SecretKey {
        let keys = ContractKeys::from_xprv(self.0.contract_branch(Network::Regtest));
        let id = terms::Hex32::parse(&view.id).unwrap();
        keys.secret(id.0).unwrap()
    }
}

/// Both parties together sign something that no contract knows.
pub fn conspire(world: &World, view: &EscrowView) -> Transaction {
    let funding = witness::on_chain(world, view.funding_txid.unwrap());
    let keys = [&world.provider, &world.buyer].map(|party| Rogue::of(party).contract_key(view));
    let [one, other] = keys;
    let scripts = [[one, other], [other, one]].map(|pair| (pair, two_of_two(pair)));
    let found = scripts.iter().find_map(|(pair, script)| {
        let vout = funding.output.iter().position(|output| output.script_pubkey == script.to_p2wsh())?;
        Some((pair, script, vout))
    });
    let (pair, script, vout) = found.expect("the funding output is both keys'");
    let locked = OutPoint::new(funding.compute_txid(), u32::try_from(vout).unwrap());
    let value = funding.output[vout].value;
    let mut tx = unsigned(&[locked], value - Amount::from_sat(2_000));
    let hash = SighashCache::new(&tx).p2wsh_signature_hash(0, script, value, EcdsaSighashType::All).unwrap();
    let mut stack = vec![Vec::new()];
    stack.extend(pair.iter().map(|key| sign(hash, key).to_vec()));
    stack.push(script.to_bytes());
    tx.input[0].witness = Witness::from_slice(&stack);
    tx
}

fn two_of_two(keys: [SecretKey; 2]) -> ScriptBuf {
    let secp = Secp256k1::new();
    let [first, second] = keys.map(|key| bitcoin::PublicKey::new(PublicKey::from_secret_key(&secp, &key)));
    let script = Builder::new().push_int(2).push_key(&first).push_key(&second).push_int(2);
    script.push_opcode(OP_CHECKMULTISIG).into_script()
}

fn sign(hash: impl Into<Message>, key: &SecretKey) -> ecdsa::Signature {
    ecdsa::Signature::sighash_all(Secp256k1::new().sign_ecdsa(&hash.into(), key))
}

fn output(world: &World, coin: OutPoint) -> TxOut {
    witness::on_chain(world, witness::shown(coin.txid)).output[coin.vout as usize].clone()
}

/// To a script that belongs to nobody here.
fn unsigned(coins: &[OutPoint], value: Amount) -> Transaction {
    let input = coins.iter().map(|coin| TxIn {
        previous_output: *coin,
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        ..TxIn::default()
    });
    let nobody = ScriptBuf::new_p2wsh(&ScriptBuf::new().wscript_hash());
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: input.collect(),
        output: vec![TxOut { value, script_pubkey: nobody }],
    }
}
