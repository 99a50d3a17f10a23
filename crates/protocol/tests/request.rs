//! Signed requests: what a signature covers, and how the header is read.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use crate::common;

use common::{NOW_S, buyer, id, provider, stranger};
use protocol::public_key;
use protocol::request::{Call, Credential, CredentialError, MAX_SKEW_S};
use terms::UnixSeconds;

const CALL: Call<'static> = Call { method: "POST", path: "/v1/measurements?x=1", body: b"{\"v\":1}" };
const NOW: UnixSeconds = UnixSeconds(NOW_S);

fn credential() -> Credential {
    Credential::sign(&CALL, public_key(&provider()), NOW, id(7), &buyer())
}

/// The hash was computed, and the signature verified, by another program: Python's `json.dumps` with sorted keys,
/// `hashlib`, and BIP340's reference code.
#[test]
fn a_signed_request_of_version_1_stays_as_it_is() {
    let header = "Earnest key=\"f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9\", \
                  time=\"1622400000\", \
                  nonce=\"0707070707070707070707070707070707070707070707070707070707070707\", \
                  sig=\"eacc93d553ff15409aa649cc6955b5d96e5d158da0535b5840108211338b3e12\
                  428469c220d610565fecd3a7c062e3b516e909881a8ee59172b647fafb88e12b\"";
    assert_eq!(credential().to_string(), header);
    assert_eq!(Credential::parse(header), Ok(credential()));
}

#[test]
fn a_signature_is_good_for_one_request_to_one_server() {
    let (credential, to) = (credential(), public_key(&provider()));
    assert_eq!(credential.verify(&CALL, to, NOW), Ok(()));
    let others = [
        Call { method: "PUT", ..CALL },
        Call { path: "/v1/measurements", ..CALL },
        Call { body: b"{\"v\":2}", ..CALL },
    ];
    for other in others {
        assert_eq!(credential.verify(&other, to, NOW), Err(CredentialError::Signature), "{other:?}");
    }
    let elsewhere = credential.verify(&CALL, public_key(&stranger()), NOW);
    assert_eq!(elsewhere, Err(CredentialError::Signature));
    let changed = [
        Credential { key: public_key(&stranger()), ..credential },
        Credential { nonce: id(8), ..credential },
        Credential { time: UnixSeconds(NOW_S + 1), ..credential },
        Credential { key: id(0), ..credential },
    ];
    for changed in changed {
        assert_eq!(changed.verify(&CALL, to, NOW), Err(CredentialError::Signature), "{changed}");
    }
}

#[test]
fn a_signature_is_good_for_some_minutes_either_way() {
    let (credential, to) = (credential(), public_key(&provider()));
    for skew in [0, 1, MAX_SKEW_S] {
        assert_eq!(credential.verify(&CALL, to, UnixSeconds(NOW_S + skew)), Ok(()));
        assert_eq!(credential.verify(&CALL, to, UnixSeconds(NOW_S - skew)), Ok(()));
    }
    for now in [NOW_S + MAX_SKEW_S + 1, NOW_S - MAX_SKEW_S - 1, 0, u64::MAX] {
        let refused = credential.verify(&CALL, to, UnixSeconds(now)).unwrap_err();
        assert_eq!(refused.field(), "time");
    }
}

#[test]
fn a_header_is_read_in_any_order_and_a_broken_one_names_the_parameter() {
    let Credential { key, time, nonce, sig } = credential();
    let other = format!("earnest sig={sig},nonce={nonce} , time={time},key=\"{key}\"");
    assert_eq!(Credential::parse(&other), Ok(credential()));
    let cases = [
        ("authorization", "Bearer abc".to_owned()),
        ("authorization", "Earnest".to_owned()),
        ("authorization", "Earnest key".to_owned()),
        ("authorization", format!("{other}, more=1")),
        ("authorization", "ärnest key=1".to_owned()),
        ("key", format!("Earnest time={time}, nonce={nonce}, sig={sig}")),
        ("key", format!("{other}, key={key}")),
        ("time", other.replace(&time.to_string(), "+1")),
        ("time", other.replace(&time.to_string(), "9007199254740993")),
        ("nonce", other.replace(&nonce.to_string(), "07")),
        ("sig", other.replace(&sig.to_string(), &sig.to_string().to_uppercase())),
    ];
    for (field, header) in cases {
        assert_eq!(Credential::parse(&header).unwrap_err().field, field, "{header}");
    }
}
