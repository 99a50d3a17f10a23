//! Whom to ask for their cards: those that were named, then those that directories list, each address once.

use std::collections::BTreeMap;

use protocol::Listing;
use url::Url;

use crate::directory::Listed;
use crate::place::Place;
use crate::search::Search;
use crate::told::Refused;

/// So many addresses of one host and port, beside the one without a path, are visited for each directory: nobody's server is
/// flooded through us. Anybody can list addresses of anybody's host, and a directory that wants to can make them up. So
/// neither takes the place of what another directory lists, nor of the host's own address, which is one and is always visited.
const MOST_PER_HOST: usize = 8;

/// Somebody to ask.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// The address.
    pub url: String,
    /// Whether whoever searches named it.
    pub named: bool,
    /// What lists it.
    pub listings: Vec<Listing>,
    /// The directories that do.
    pub listed_by: Vec<String>,
    /// Where the directory is that sends us there; none where whoever searches named it.
    pub sent_from: Option<Place>,
}

/// Everybody to ask, each address once.
pub(crate) fn candidates(search: &Search, listed: Vec<Listed>, refused: &mut Vec<Refused>) -> Vec<Candidate> {
    let mut all = All::default();
    for url in &search.providers {
        if all.find(url).is_none() {
            all.push(Candidate {
                url: url.clone(),
                named: true,
                listings: Vec::new(),
                listed_by: Vec::new(),
                sent_from: None,
            });
        }
    }
    let mut left = search.bounds.listed;
    let mut left_out = 0_usize;
    for Listed { listing, by } in by_turns(listed) {
        if let Some(known) = all.find(&listing.url) {
            known.listings.push(listing);
            known.listed_by.extend(by);
            continue;
        }
        let sent_from = match all.sent_from(&listing.url, &by) {
            Ok(directory) => directory,
            Err(why) => {
                refused.push(Refused::new(&listing.url, why).of_key(listing.key));
                continue;
            }
        };
        if left == 0 {
            left_out += 1;
            continue;
        }
        left -= 1;
        all.push(Candidate {
            url: listing.url.clone(),
            named: false,
            listings: vec![listing],
            listed_by: by,
            sent_from: Some(sent_from),
        });
    }
    if left_out > 0 {
        let bound = search.bounds.listed;
        let why = format!("{left_out} listed providers are not asked: {bound} are enough for one search");
        refused.extend(search.directories.first().map(|url| Refused::new(url, why)));
    }
    all.candidates
}

/// The directories take turns, so that one that lists very many leaves as many places to each other one.
fn by_turns(mut listed: Vec<Listed>) -> Vec<Listed> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    listed.sort_by_cached_key(|one| {
        let turns = one.by.iter().map(|by| {
            let count = counts.entry(by.clone()).or_default();
            *count += 1;
            *count
        });
        // All are counted, also where the first is the least.
        turns.fold(usize::MAX, usize::min)
    });
    listed
}

#[derive(Default)]
struct All {
    candidates: Vec<Candidate>,
    by_url: BTreeMap<String, usize>,
    /// How many addresses of a host each directory makes us visit.
    by_host: BTreeMap<(String, String), usize>,
}

impl All {
    fn find(&mut self, url: &str) -> Option<&mut Candidate> {
        let place = self.by_url.get(&name(url))?;
        self.candidates.get_mut(*place)
    }

    fn push(&mut self, candidate: Candidate) {
        self.by_url.insert(name(&candidate.url), self.candidates.len());
        self.candidates.push(candidate);
    }

    /// Where the innermost of the directories is that may send us to an address.
    fn sent_from(&mut self, url: &str, by: &[String]) -> Result<Place, &'static str> {
        let place = Place::of(url).ok_or("is no address")?;
        let directories = by.iter().filter_map(|by| Some((Place::of(by)?, by)));
        let mut directories: Vec<_> = directories.filter(|(from, _)| from.may_name(place)).collect();
        directories.sort();
        let (innermost, _) = directories
            .last()
            .ok_or("is in a network to which the directory that lists it may not send us")?;
        if is_whole_host(url) {
            return Ok(*innermost);
        }
        for (from, by) in directories.into_iter().rev() {
            let visits = self.by_host.entry((host(url), by.clone())).or_default();
            if *visits < MOST_PER_HOST {
                *visits += 1;
                return Ok(from);
            }
        }
        Err("is one of too many listed addresses of this host")
    }
}

/// Whether an address is that of a host and port and of nothing on it: there is one for each scheme.
fn is_whole_host(url: &str) -> bool {
    let url = Url::parse(url).ok();
    url.is_some_and(|url| {
        url.path() == "/"
            && (url.query(), url.fragment(), url.password()) == (None, None, None)
            && url.username().is_empty()
    })
}

/// The same for addresses that lead to the same place.
fn name(url: &str) -> String {
    let name = Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.to_string());
    name.trim_end_matches('/').to_owned()
}

fn host(url: &str) -> String {
    let url = Url::parse(url).ok();
    let part =
        |url: &Url| format!("{}:{:?}", url.host_str().unwrap_or_default(), url.port_or_known_default());
    url.as_ref().map(part).unwrap_or_default()
}
