//! The operator's side of objections. All of it works beside a running oracle: only the database is needed.

use anyhow::{Context, anyhow, bail};
use clock::Clock;
use protocol::objection::is_text;
use serde_json::json;
use terms::EventId;

use super::{Failed, bad_input, load_oracle, print, runtime, say};
use crate::cli::{ObjectionsAction, ObjectionsArguments, Withhold};
use crate::config::Config;
use crate::service;
use crate::store::{Answered, Listed, Store};

/// So many objections are listed.
const LISTED: u32 = 1_000;

pub(super) fn objections(arguments: &ObjectionsArguments) -> Result<(), Failed> {
    let config = load_oracle(&arguments.file)?;
    let action =
        arguments.action.clone().unwrap_or(ObjectionsAction::List { unanswered: false, json: false });
    runtime(true)?.block_on(async {
        let store = service::open_store(&config, false).await?;
        let done = match &action {
            ObjectionsAction::List { unanswered, json } => list(&store, *unanswered, *json).await,
            ObjectionsAction::Answer { id, text } => answer(&store, *id, text).await,
        };
        store.close().await;
        done
    })
}

async fn list(store: &Store, unanswered: bool, as_json: bool) -> Result<(), Failed> {
    let listed = store.newest_objections(unanswered, LISTED).await.map_err(anyhow::Error::from)?;
    if as_json {
        let lines = listed
            .iter()
            .map(|Listed { event, objection }| json!({ "event_id": event, "objection": objection }));
        return print(&lines.collect());
    }
    if listed.is_empty() {
        return say("There are no objections.");
    }
    for Listed { event, objection } in &listed {
        let signed = objection.objection.key.map_or("unsigned".to_owned(), |key| format!("signed by {key}"));
        say(&format!("{}  to {event}, unix {}, {signed}", objection.id, objection.at.0))?;
        say(&indented("    ", &objection.objection.text))?;
        match &objection.answer {
            Some(answer) => say(&indented("    answered: ", &answer.text))?,
            None => say("    not answered")?,
        }
    }
    Ok(())
}

/// Text was checked for control characters when it came, so it can't steer the terminal.
fn indented(first: &str, text: &str) -> String {
    format!("{first}{}", text.replace('\n', &format!("\n{}", " ".repeat(first.len()))))
}

async fn answer(store: &Store, id: i64, text: &str) -> Result<(), Failed> {
    if !is_text(text) {
        return Err(bad_input(anyhow!("TEXT: must be 1 to 1,000 characters, without control characters")));
    }
    let now_s = Clock::system().now_s();
    match store.answer_objection(id, now_s, text).await.map_err(anyhow::Error::from)? {
        Answered::Now => say("Answered. The answer is public."),
        Answered::Before => Err(Failed::Run(anyhow!("objection {id} is answered already, and answers stay"))),
        Answered::Unknown => Err(bad_input(anyhow!("ID: there is no objection {id}"))),
    }
}

pub(super) fn withhold(arguments: &Withhold) -> Result<(), Failed> {
    let config = load_oracle(&arguments.file)?;
    let id = EventId::parse(&arguments.event).ok_or_else(|| bad_input(anyhow!("EVENT: is no event's id")))?;
    if !is_text(&arguments.reason) {
        let rule = "--reason: must be 1 to 1,000 characters, without control characters";
        return Err(bad_input(anyhow!(rule)));
    }
    runtime(true)?.block_on(withhold_event(&config, &id, &arguments.reason))?;
    say(&format!(
        "{id} will not be attested: contracts on it end by refund. The public log says so, with your reason. This can't be \
         taken back."
    ))
}

async fn withhold_event(config: &Config, id: &EventId, reason: &str) -> anyhow::Result<()> {
    let store = service::open_store(config, false).await?;
    let event = store.event(id).await?.filter(|event| event.published);
    let event = event.with_context(|| format!("this oracle has no event {id}"))?;
    let withheld = store.withhold(&event, Clock::system().now_s(), reason).await?;
    store.close().await;
    if !withheld {
        bail!("it is too late: {id} is attested, about to be, or withheld already");
    }
    Ok(())
}
