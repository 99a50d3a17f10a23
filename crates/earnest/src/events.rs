//! `earnest events`: what happened, and what happens.

use std::time::Duration;

use client::{ClientError, OwnerClient};
use protocol::owner::{MAX_EVENTS, NodeEvent};

use crate::cli::Events;
use crate::exit::Failure;
use crate::{output, owner};

/// How long a node that was lost is left alone before it is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// `earnest events`
pub async fn run(arguments: &Events, json: bool) -> Result<(), Failure> {
    let node = owner::connect(&arguments.file)?;
    if !arguments.follow {
        return past(&node, arguments.after.unwrap_or(0), json).await;
    }
    let after = match arguments.after {
        Some(after) => after,
        None => node.events(0, 1).await?.newest,
    };
    follow(&arguments.file, after, json).await
}

/// Everything from an id to now.
async fn past(node: &OwnerClient, mut after: u64, json: bool) -> Result<(), Failure> {
    loop {
        let page = node.events(after, MAX_EVENTS).await?;
        for event in &page.events {
            show(event, json)?;
            after = event.id;
        }
        if page.events.is_empty() || after >= page.newest {
            return Ok(());
        }
    }
}

/// Goes on after the last id that was shown, whenever the node is there again. What it refuses ends it.
async fn follow(file: &crate::cli::ConfigFile, mut after: u64, json: bool) -> Result<(), Failure> {
    let mut seen = false;
    loop {
        // The owner's token may have been replaced meanwhile.
        match until_lost(&owner::connect(file)?, &mut after, &mut seen, json).await {
            Err(Lost::Node(error)) if !seen || error.status().is_some() => return Err(error.into()),
            Err(Lost::Node(error)) => output::note(&format!("{error}; trying again")),
            Err(Lost::Output(failure)) => return Err(failure),
            Ok(()) => output::note("the node has stopped; trying again"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Why following ended.
enum Lost {
    /// The node is away, or refuses.
    Node(ClientError),
    /// Nothing can be shown.
    Output(Failure),
}

async fn until_lost(node: &OwnerClient, after: &mut u64, seen: &mut bool, json: bool) -> Result<(), Lost> {
    let mut stream = node.follow(*after).await.map_err(Lost::Node)?;
    *seen = true;
    while let Some(event) = stream.next().await.map_err(Lost::Node)? {
        show(&event, json).map_err(Lost::Output)?;
        *after = event.id;
    }
    Ok(())
}

fn show(event: &NodeEvent, json: bool) -> Result<(), Failure> {
    if json {
        return output::json_line(event);
    }
    let seq = event.seq.map_or(String::new(), |seq| format!(" #{seq}"));
    let detail = if event.detail.is_empty() { String::new() } else { format!(": {}", event.detail) };
    let (id, at, kind) = (event.id, event.at, event.kind.name());
    let line = format!("{id}  {at}  {kind} {}{seq} {}{detail}", event.subject, event.event);
    output::line(&line);
    Ok(())
}
