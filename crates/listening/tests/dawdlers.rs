//! Strangers who dawdle, and strangers who are many.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use listening::{Limits, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What nobody here waits for.
const LONG: Duration = Duration::from_secs(3_600);
/// What is waited for.
const SHORT: Duration = Duration::from_millis(50);

const ROOMY: Limits = Limits { connections: 100, of_one: 100, head: LONG, stalled: LONG };

struct Served {
    addr: SocketAddr,
    refused: Arc<AtomicUsize>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

async fn served(limits: Limits, router: Router) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let refused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refused);
    let ended = tokio::spawn(async move {
        let refused = || {
            count.fetch_add(1, Ordering::SeqCst);
        };
        let stop = async {
            let _ = stopped.await;
        };
        serve(listener, router, limits, Some, refused, stop).await.unwrap();
    });
    Served { addr, refused, stop, ended }
}

/// Says who asks.
fn echo() -> Router {
    Router::new()
        .route("/", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }))
}

async fn connect(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let from: IpAddr = from.parse().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// Asks, and reads to the end of the first answer; false where the connection was closed instead.
async fn ask(stream: &mut TcpStream) -> bool {
    let mut answer = [0; 4_096];
    if stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.is_err() {
        return false;
    }
    stream.read(&mut answer).await.is_ok_and(|read| answer[..read].starts_with(b"HTTP/1.1 200"))
}

/// Whether the connection ends without a word, however long that takes.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    // A connection that is torn down has ended too.
    let _ = stream.read_to_end(&mut rest).await;
    rest.is_empty()
}

#[tokio::test]
async fn an_address_that_holds_all_its_connections_keeps_nobody_else_out() {
    let served = served(Limits { of_one: 2, ..ROOMY }, echo()).await;
    let mut first = connect("127.0.0.2", served.addr).await;
    let mut second = connect("127.0.0.2", served.addr).await;
    assert!(ask(&mut first).await && ask(&mut second).await, "and a connection serves more than one request");
    let mut third = connect("127.0.0.2", served.addr).await;
    assert!(is_closed(&mut third).await);
    assert_eq!(served.refused.load(Ordering::SeqCst), 1);
    assert!(ask(&mut connect("127.0.0.3", served.addr).await).await);
    assert!(ask(&mut first).await);
    drop(first);
    // Its end is noticed a moment later.
    while !ask(&mut connect("127.0.0.2", served.addr).await).await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn whoever_never_ends_a_request_s_head_is_let_go() {
    let served = served(Limits { head: SHORT, ..ROOMY }, echo()).await;
    for said in ["", "GET / HTTP/1.1\r\nhost: a\r\nx"] {
        let mut stream = connect("127.0.0.1", served.addr).await;
        stream.write_all(said.as_bytes()).await.unwrap();
        assert!(is_closed(&mut stream).await, "{said:?}");
    }
    let mut kept = connect("127.0.0.1", served.addr).await;
    assert!(ask(&mut kept).await);
    assert!(is_closed(&mut kept).await, "nor is one kept for ever between two requests");
}

/// Tells when it is dropped, as a body is when its connection ends.
struct Tell(Option<oneshot::Sender<()>>);

impl Drop for Tell {
    fn drop(&mut self) {
        self.0.take().map(|sender| sender.send(()));
    }
}

#[tokio::test]
async fn whoever_takes_nothing_of_its_answer_is_let_go() {
    let (tell, told) = oneshot::channel();
    let tell = Arc::new(Mutex::new(Some(Tell(Some(tell)))));
    let endless = get(move || {
        let held = tell.lock().unwrap().take();
        async move {
            let chunks = std::iter::repeat_with(move || {
                let _held = &held;
                Ok::<_, std::io::Error>(vec![0_u8; 65_536])
            });
            Body::from_stream(futures_util::stream::iter(chunks))
        }
    });
    let served = served(Limits { stalled: SHORT, ..ROOMY }, Router::new().route("/", endless)).await;
    let mut stream = connect("127.0.0.1", served.addr).await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    told.await.unwrap();
}

#[tokio::test]
async fn it_ends_with_strangers_on_the_line_and_gives_the_answer_under_way() {
    let (asked, was_asked) = oneshot::channel();
    let (answer, to_answer) = oneshot::channel::<()>();
    let once = Arc::new(Mutex::new(Some((asked, to_answer))));
    let router = Router::new().route(
        "/",
        get(move || {
            let (asked, to_answer) = once.lock().unwrap().take().unwrap();
            async move {
                asked.send(()).unwrap();
                let _ = to_answer.await;
            }
        }),
    );
    let served = served(ROOMY, router).await;
    let mut silent = connect("127.0.0.1", served.addr).await;
    let mut asking = connect("127.0.0.1", served.addr).await;
    let asked = tokio::spawn(async move { ask(&mut asking).await });
    was_asked.await.unwrap();
    served.stop.send(()).unwrap();
    assert!(is_closed(&mut silent).await);
    answer.send(()).unwrap();
    assert!(asked.await.unwrap());
    served.ended.await.unwrap();
}
