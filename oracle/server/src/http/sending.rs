//! Large answers: they take memory until their last byte is taken, so there are only so many bytes of them at a time.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use prometheus_client::metrics::counter::Counter;
use protocol::{Problem, ProblemType};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Failure;

/// Smaller answers are bounded by how many connections there are.
const LARGE: u64 = 1024 * 1024;
/// Kibibytes of large answers on their way at the same time: as many as one bundle may have. A larger one goes alone.
pub(super) const MOST_KIB: u32 = 512 * 1024;
/// So much of an answer is handed on at once.
const PARCEL: usize = 64 * 1024;

/// Room for large answers.
#[derive(Clone, Debug)]
pub(super) struct Room {
    places: Arc<Semaphore>,
    most_kib: u32,
    refused: Counter,
}

impl Room {
    pub(super) fn new(most_kib: u32, refused: Counter) -> Self {
        let places = Arc::new(Semaphore::new(usize::try_from(most_kib).unwrap_or(usize::MAX)));
        Self { places, most_kib, refused }
    }

    fn take(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).min(self.most_kib);
        Arc::clone(&self.places).try_acquire_many_owned(kib).ok()
    }
}

/// Answers 503 where as many bytes are on their way as may be. Whoever takes them slowly holds them, and not the memory
/// of the oracle.
pub(super) async fn bound(State(room): State<Room>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let Some(size) = response.body().size_hint().exact().filter(|size| *size > LARGE) else {
        return response;
    };
    let Some(place) = room.take(size) else {
        room.refused.inc();
        let detail = "too many large answers are on their way; try again";
        return Failure::from(Problem::new(ProblemType::Unavailable, detail)).into_response();
    };
    let (parts, body) = response.into_parts();
    match axum::body::to_bytes(body, usize::MAX).await {
        Ok(rest) => Response::from_parts(parts, Body::new(Parcels { rest, _place: place })),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A body that is handed on bit by bit, and has its place until the end.
struct Parcels {
    rest: Bytes,
    _place: OwnedSemaphorePermit,
}

impl HttpBody for Parcels {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let parcel = self.rest.len().min(PARCEL);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(parcel)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;

    use super::*;

    /// More than sockets hold by themselves.
    const SIZE: usize = 64 * 1024 * 1024;

    #[tokio::test]
    async fn a_large_answer_that_nobody_takes_keeps_others_waiting_and_not_in_memory() {
        // Whichever test came first has installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let room = Room::new(100 * 1024, Counter::default());
        let router = Router::new()
            .route("/large", get(|| async { vec![0_u8; SIZE] }))
            .route("/small", get(|| async { "small" }))
            .layer(from_fn_with_state(room, bound));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let ask = async |path: &str| reqwest::get(format!("http://{addr}/{path}")).await.unwrap();

        let waits = ask("large").await;
        assert_eq!((waits.status().as_u16(), waits.content_length()), (200, Some(SIZE as u64)));
        assert_eq!(ask("large").await.status(), 503);
        assert_eq!(ask("small").await.status(), 200);
        assert_eq!(waits.bytes().await.unwrap().len(), SIZE);
        // Its place is free a moment after its last byte.
        while ask("large").await.status() != 200 {
            tokio::task::yield_now().await;
        }
    }
}
