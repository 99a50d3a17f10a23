//! Records of an answer as measurements write them.

use hickory_resolver::proto::rr::{Name, RData};
use terms::RecordType;

/// A record's data in its one spelling; `None` when it is of another type than was asked for, such as the aliases that
/// lead from a name to its addresses.
pub(super) fn text_of(data: &RData, asked: RecordType) -> Option<String> {
    match (asked, data) {
        (RecordType::A, RData::A(address)) => Some(address.0.to_string()),
        (RecordType::Aaaa, RData::AAAA(address)) => Some(address.0.to_string()),
        (RecordType::Cname, RData::CNAME(name)) => Some(host(&name.0)),
        (RecordType::Ns, RData::NS(name)) => Some(host(&name.0)),
        (RecordType::Mx, RData::MX(mx)) => Some(format!("{} {}", mx.preference, host(&mx.exchange))),
        (RecordType::Txt, RData::TXT(txt)) => {
            Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned())
        }
        _ => None,
    }
}

/// In lower case and without the dot at its end. Odd bytes stay escaped, and so equal no name of a measurement.
fn host(name: &Name) -> String {
    let mut text = name.to_ascii().to_ascii_lowercase();
    if text.len() > 1 && text.ends_with('.') {
        text.pop();
    }
    text
}
