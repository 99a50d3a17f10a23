//! Refusals that no handler of ours has made, such as those of axum's extractors, get the shape that ours have.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use protocol::problem::CONTENT_TYPE;
use protocol::{Problem, ProblemType};

use super::answer::refuse;

/// The longest refusal that is read, in bytes.
const LONGEST: usize = 4_096;
/// So many characters of it are told.
const TOLD: usize = 300;

/// Makes a problem of every refusal that is none yet. Its headers stay, such as `Allow`.
pub(crate) async fn as_problem(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_problem(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let said = to_bytes(body, LONGEST).await.unwrap_or_default();
    let problem = problem(status, &String::from_utf8_lossy(&said));
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    Response::from_parts(parts, Body::from(problem.bytes()))
}

fn is_problem(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|media| media == CONTENT_TYPE)
}

fn problem(status: StatusCode, said: &str) -> Problem {
    let kind = ProblemType::ALL.into_iter().find(|kind| kind.status() == status.as_u16());
    let kind = kind.unwrap_or(match status.is_client_error() {
        true => ProblemType::BadInput,
        false => ProblemType::Internal,
    });
    let said: String = said.chars().filter(|c| !c.is_control()).take(TOLD).collect();
    let detail = if said.is_empty() { kind.title().to_owned() } else { said };
    Problem { status: status.as_u16(), ..Problem::new(kind, detail) }
}

/// Refuses a body that says of itself that it is no JSON. One that says nothing is read as JSON.
pub(crate) async fn json_only(request: Request, next: Next) -> Response {
    let media = request.headers().get(header::CONTENT_TYPE);
    let json = media.is_none_or(|media| media.to_str().is_ok_and(is_json));
    if json || request.method() != Method::POST {
        return next.run(request).await;
    }
    refuse(ProblemType::UnsupportedMedia, "Content-Type: must be application/json, or left out")
        .into_response()
}

fn is_json(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_by_its_type_whatever_parameters_it_has() {
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            assert!(is_json(json), "{json}");
        }
        for other in ["text/plain", "application/x-www-form-urlencoded", "text/json", "", "json"] {
            assert!(!is_json(other), "{other}");
        }
    }

    #[test]
    fn a_status_that_no_problem_has_keeps_its_number_and_what_was_said() {
        let told = problem(StatusCode::URI_TOO_LONG, "too\nlong");
        assert_eq!((told.status, told.known_type()), (414, Some(ProblemType::BadInput)));
        assert_eq!(told.detail, "toolong");
        let told = problem(StatusCode::METHOD_NOT_ALLOWED, "");
        assert_eq!((told.status, told.known_type()), (405, Some(ProblemType::MethodNotAllowed)));
        assert_eq!(problem(StatusCode::GATEWAY_TIMEOUT, "").known_type(), Some(ProblemType::Internal));
    }
}
