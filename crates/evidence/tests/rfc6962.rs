//! The tree against the test vectors of the Certificate Transparency reference implementation, and
//! against a plain transcription of RFC 6962 section 2.1.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use evidence::{Proof, ProofError, Tree, root, verify};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

/// The leaves of `google/certificate-transparency`'s `merkle_tree_test`, as hex.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// The roots of the first 0, 1, ... 8 of them.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn leaves() -> Vec<Vec<u8>> {
    LEAVES.iter().map(|leaf| hex::decode(leaf).unwrap()).collect()
}

fn tree_of(leaves: &[Vec<u8>]) -> Tree {
    let mut tree = Tree::new();
    leaves.iter().for_each(|leaf| tree.push(leaf));
    tree
}

/// `MTH(D[n])` of RFC 6962 section 2.1, word for word.
fn tree_head(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest(b"").into(),
        [leaf] => Sha256::digest([&[0][..], leaf].concat()).into(),
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            Sha256::digest([&[1][..], &tree_head(left), &tree_head(right)].concat()).into()
        }
    }
}

#[test]
fn the_roots_are_those_of_the_reference_implementation() {
    for (count, expected) in ROOTS.iter().enumerate() {
        assert_eq!(hex::encode(root(&leaves()[..count])), *expected, "{count} leaves");
    }
}

#[test]
fn a_leaf_cannot_pass_for_a_node() {
    let two = leaves()[..2].to_vec();
    let hashes = two.iter().map(|leaf| tree_head(std::slice::from_ref(leaf)));
    let forged = hashes.collect::<Vec<_>>().concat();
    assert_ne!(root([forged]), root(two));
}

#[test]
fn an_index_outside_the_tree_has_no_proof_and_verifies_nothing() {
    let tree = tree_of(&leaves());
    assert_eq!(tree.prove(8), None);
    let proof = tree.prove(7).unwrap();
    let refused = verify(&tree.root(), 8, 8, b"", &proof);
    assert_eq!(refused, Err(ProofError::IndexOutOfRange { index: 8, size: 8 }));
    let refused = verify(&tree.root(), u64::MAX, 8, b"", &proof);
    assert_eq!(refused, Err(ProofError::TreeTooLarge { size: u64::MAX }));
}

#[test]
fn a_proof_travels_as_a_list_of_hex_strings() {
    let proof = tree_of(&leaves()).prove(2).unwrap();
    let json = serde_json::to_string(&proof).unwrap();
    assert!(json.starts_with("[\""), "{json}");
    assert_eq!(serde_json::from_str::<Proof>(&json).unwrap(), proof);
    assert!(serde_json::from_str::<Proof>("[\"ABCD\"]").is_err());
    let too_long = serde_json::to_string(&vec!["00".repeat(32); 41]).unwrap();
    assert!(serde_json::from_str::<Proof>(&too_long).is_err());
}

proptest! {
    #[test]
    fn every_leaf_is_proved_and_no_other_bytes_are(
        leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 1..40),
        pick in any::<prop::sample::Index>(),
        flip in any::<prop::sample::Index>(),
    ) {
        let tree = tree_of(&leaves);
        prop_assert_eq!(tree.root(), tree_head(&leaves));
        let index = pick.index(leaves.len());
        let proof = tree.prove(index as u64).unwrap();
        prop_assert_eq!(verify(&tree.root(), tree.len(), index as u64, &leaves[index], &proof), Ok(()));

        let other = [&leaves[index][..], b"x"].concat();
        prop_assert!(verify(&tree.root(), tree.len(), index as u64, &other, &proof).is_err());
        if !proof.path().is_empty() {
            let mut path = proof.path().to_vec();
            path[flip.index(proof.path().len())][0] ^= 1;
            let forged = Proof::from_path(path).unwrap();
            prop_assert!(verify(&tree.root(), tree.len(), index as u64, &leaves[index], &forged).is_err());
        }
    }

    #[test]
    fn any_bytes_for_a_proof_are_refused_without_a_panic(
        size in any::<u64>(),
        index in any::<u64>(),
        path in prop::collection::vec(any::<[u8; 32]>(), 0..40),
    ) {
        let proof = Proof::from_path(path).unwrap();
        prop_assert!(verify(&[7; 32], size, index, b"leaf", &proof).is_err());
    }
}
