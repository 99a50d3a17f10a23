//! Reading directories: every listing is opened here, and no directory is believed anything.

use std::collections::BTreeMap;

use client::DirectoryClient;
use protocol::Listing;
use protocol::listing::Page;
use terms::{Hex32, canonical};

use crate::ask::{self, Limits};
use crate::search::Search;
use crate::told::Refused;

/// So many refused listings of one directory are told by name; the rest is counted.
const NAMED: usize = 20;

/// A listing, and the directories that have it.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub listing: Listing,
    pub by: Vec<String>,
}

/// What one directory gave.
struct Read {
    listings: Vec<Listing>,
    refused: Vec<Refused>,
}

/// The newest good listing of each key, from all directories, by key.
pub(crate) async fn read_all(
    search: &Search,
    limits: &Limits,
    now: u64,
    refused: &mut Vec<Refused>,
) -> Vec<Listed> {
    let work = search.directories.iter().map(|url| read(url, search, limits, now));
    let answers = ask::each(work.collect(), limits).await;
    let mut newest: BTreeMap<Hex32, Listed> = BTreeMap::new();
    for (url, answer) in search.directories.iter().zip(answers) {
        let Some(Read { listings, refused: theirs }) = answer else {
            refused.push(Refused::new(url, "does not answer in time"));
            continue;
        };
        refused.extend(bounded(url, theirs));
        listings.into_iter().for_each(|listing| add(&mut newest, listing, url));
    }
    newest.into_values().collect()
}

/// Of a key's listings the newest counts, whoever has it. An older one that another directory still has is only old.
fn add(newest: &mut BTreeMap<Hex32, Listed>, listing: Listing, url: &str) {
    let known =
        newest.entry(listing.key).or_insert_with(|| Listed { listing: listing.clone(), by: Vec::new() });
    if listing.at > known.listing.at {
        *known = Listed { listing, by: vec![url.to_owned()] };
    } else if listing == known.listing && !known.by.iter().any(|by| by == url) {
        known.by.push(url.to_owned());
    }
}

fn bounded(url: &str, mut refused: Vec<Refused>) -> Vec<Refused> {
    if refused.len() > NAMED {
        let rest = refused.len() - NAMED;
        refused.truncate(NAMED);
        refused.push(Refused::new(url, format!("and {rest} listings more are refused")));
    }
    refused
}

/// One directory, page by page. What it gave before it failed counts.
async fn read(url: &str, search: &Search, limits: &Limits, now: u64) -> Read {
    let mut read = Read { listings: Vec::new(), refused: Vec::new() };
    let service = search.wanted.service.as_deref();
    let directory = match DirectoryClient::within(url, limits.each) {
        Ok(directory) => directory,
        Err(error) => {
            read.refused.push(Refused::new(url, ask::why(&error)));
            return read;
        }
    };
    let mut after = None;
    for _ in 0..search.bounds.pages {
        match directory.page(after, service).await {
            Ok(page) => {
                let next = page.next;
                open(url, page, search, now, &mut read);
                // Pages go on by ascending key, so that a directory cannot lead us in a circle.
                match next.filter(|next| after.is_none_or(|after| *next > after)) {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            Err(error) => {
                read.refused.push(Refused::new(url, ask::why(&error)));
                break;
            }
        }
    }
    read
}

fn open(url: &str, page: Page, search: &Search, now: u64, read: &mut Read) {
    for value in page.listings {
        let opened = Listing::open(&canonical::bytes(&value));
        let good = opened.and_then(|listing| listing.check_time(now).map(|()| listing));
        match good {
            Ok(listing) if listing.withdrawn => {}
            Ok(listing) if search.wanted.network.as_ref().is_some_and(|it| *it != listing.network) => {}
            Ok(listing) => read.listings.push(listing),
            Err(error) => {
                let refused = Refused::new(url, format!("has a listing that is refused: {error}"));
                let key = value.get("key").and_then(|key| key.as_str()).and_then(Hex32::parse);
                read.refused.push(match key {
                    Some(key) => refused.of_key(key),
                    None => refused,
                });
            }
        }
    }
}
