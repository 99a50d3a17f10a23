//! An HTTP API as OpenAPI 3.1 describes one, from a table of its routes and the types that are read and written.
//!
//! Oracle and node each have such a table ([`Operation`]), hand it to [`Api::document`], and compare it in a test with what
//! their router shows of itself ([`routes::shown`]), so that no route is without a description and none is invented.
//! This crate knows no router and serves nothing. Start reading at [`Operation`].

mod document;
mod operation;
pub mod routes;
mod sound;

pub use document::{Api, schemas};
pub use operation::{Body, Operation, Parameter, Way, header, query};
pub use sound::{assert_copied, faults};
