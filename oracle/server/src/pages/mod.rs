//! Pages for people: how services stand, what an event is about, and who this oracle is.
//!
//! Made on the server, whole, without a script, and with nothing from elsewhere. Each page loads what it shows (from
//! rows that the slices left, never from samples of months) and then draws it; drawing knows no database. All text
//! that others wrote is data: maud escapes it, and no page allows anything that could run.

mod about;
mod answer;
mod audit;
mod badge;
mod days;
mod definition;
mod draw;
mod event;
mod incidents;
mod latency;
mod minutes;
mod service;
mod services;
mod shell;
mod slices;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::oracle::Oracle;
use crate::words;

/// Every page's path.
pub fn routes() -> Router<Arc<Oracle>> {
    Router::new()
        .route("/", get(services::show))
        .route("/services/{slug}", get(service::show))
        .route("/events/{event_id}", get(event::show))
        .route("/events/{event_id}/object", get(event::form))
        .route("/badge/{file}", get(badge::show))
        .route("/about", get(about::show))
}
