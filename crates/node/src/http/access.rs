//! Who asks, and what they may: the owner everything, a delegated key what its scopes say.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use protocol::owner::{DRY_RUN, Scope};
use protocol::{Problem, ProblemType};
use terms::canonical;

use super::answer::{Refusal, refuse};
use crate::node::Node;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The owner's token alone.
    Owner,
    /// That, and delegated keys with this scope.
    Scoped(Scope),
    /// That, and delegated keys that commit money; what they do is held to be in their own name.
    Committing,
}

impl Access {
    fn opens_to(self, scopes: &BTreeSet<Scope>) -> bool {
        match self {
            Self::Owner => false,
            Self::Scoped(scope) => scopes.contains(&scope),
            Self::Committing => scopes.iter().any(|scope| scope.commits()),
        }
    }
}

/// In whose name a request is: a delegated key's, or the owner's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller(pub Option<String>);

/// What a handler needs to know of who asks: their headers and their name.
pub(crate) struct Asker {
    pub headers: HeaderMap,
    pub by: Option<String>,
    /// Whether it is only to be said what would be done.
    pub rehearsal: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let rehearsal = is_rehearsal(parts)?;
        match parts.extensions.get::<Caller>() {
            Some(Caller(by)) => Ok(Self { headers: parts.headers.clone(), by: by.clone(), rehearsal }),
            // A route that nobody guards answers nobody.
            None => Err(refuse(ProblemType::Unauthorized, "needs the owner's token")),
        }
    }
}

/// A POST has one parameter, and one that is misspelt must not do what was only asked about.
fn is_rehearsal(parts: &Parts) -> Result<bool, Refusal> {
    match parts.uri.query() {
        Some(DRY_RUN) if parts.method == Method::POST => Ok(true),
        Some(query) if parts.method == Method::POST && !query.is_empty() => {
            let rule = "is dry_run=true, or nothing";
            Err(Problem::new(ProblemType::BadInput, rule).at("query").into())
        }
        _ => Ok(false),
    }
}

/// What of a request is looked at and noted.
struct Wish {
    authorization: Vec<u8>,
    method: Method,
    path: String,
}

impl Wish {
    fn of(request: &Request) -> Self {
        let authorization = request.headers().get(header::AUTHORIZATION);
        Self {
            authorization: authorization.map_or(Vec::new(), |value| value.as_bytes().to_vec()),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
        }
    }
}

/// Lets those through who may use the route, and notes what delegated keys ask that could change something.
pub(crate) async fn guarded(
    State((node, access)): State<(Arc<Node>, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    let wish = Wish::of(&request);
    let (name, scopes) = match known(&node, &wish.authorization).await {
        Ok(Known::Owner) => {
            request.extensions_mut().insert(Caller(None));
            return next.run(request).await;
        }
        Ok(Known::Key(name, scopes)) => (name, scopes),
        Err(refusal) => return refusal.into_response(),
    };
    let response = match access {
        access if access.opens_to(&scopes) => {
            request.extensions_mut().insert(Caller(Some(name.clone())));
            next.run(request).await
        }
        access => forbidden(access).into_response(),
    };
    if wish.method != Method::GET {
        note(&node, name, wish, response.status().as_u16()).await;
    }
    response
}

/// Whose token it is.
enum Known {
    Owner,
    Key(String, BTreeSet<Scope>),
}

/// Whether somebody who was let in with this would be let in again now.
pub(super) async fn is_let_in(node: &Arc<Node>, authorization: &[u8]) -> bool {
    known(node, authorization).await.is_ok()
}

async fn known(node: &Arc<Node>, authorization: &[u8]) -> Result<Known, Refusal> {
    let refusal = || refuse(ProblemType::Unauthorized, "needs the owner's token: Authorization: Bearer ...");
    let token = authorization.strip_prefix(b"Bearer ").ok_or_else(refusal)?;
    // Comparing hashes takes the same time whatever was given.
    if canonical::sha256(token) == canonical::sha256(node.token().as_bytes()) {
        return Ok(Known::Owner);
    }
    let known = node.core.lock().await.key_of_token(token, node.now());
    known.map(|(name, scopes)| Known::Key(name, scopes)).ok_or_else(refusal)
}

fn forbidden(access: Access) -> Refusal {
    let needs = match access {
        Access::Owner => "the owner's token, and never a delegated key".to_owned(),
        Access::Scoped(scope) => format!("the scope {}", scope.name()),
        Access::Committing => "the scope buy or provide".to_owned(),
    };
    refuse(ProblemType::Mandate, &format!("this needs {needs}")).at("key")
}

/// A note that cannot be written is logged: the answer has been given.
async fn note(node: &Arc<Node>, key: String, wish: Wish, status: u16) {
    let mut core = node.core.lock().await;
    let noted = core.note_request(key, wish.method.to_string(), &wish.path, status, node.now()).await;
    if let Err(error) = noted {
        tracing::error!(%error, "what a delegated key asked cannot be noted");
    }
}
