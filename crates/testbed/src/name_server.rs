//! A name server, over UDP and TCP, that answers as it is told.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_resolver::proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::TXT;
use hickory_resolver::proto::rr::{Name, RData, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::{AbortHandle, JoinSet};

/// In simulated time an answer says how long it took, in milliseconds, in a TXT record of this name beside its records.
pub const LATENCY_NAME: &str = "x-simulated-latency-ms.";

/// How long an answer may be remembered, in seconds.
const TTL_S: u32 = 60;

/// How often a port is looked for that is free for both UDP and TCP.
const TRIES: u32 = 100;

/// What the server sends back.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Records of the name that was asked for.
    Records(Vec<RData>),
    /// As [`Reply::Records`], but late: in simulated time the answer comes at once and says so in a record of
    /// [`LATENCY_NAME`].
    Late {
        /// The records.
        records: Vec<RData>,
        /// How late.
        latency_ms: u32,
    },
    /// No record, and this code.
    Code(ResponseCode),
    /// These bytes, whatever they are.
    Junk(Vec<u8>),
    /// An answer to another question than was asked.
    Mistaken(Vec<RData>),
    /// Over UDP only: that the answer does not fit, ask over TCP.
    Truncated(Vec<RData>),
    /// Nothing.
    Silence,
}

/// The server, on a loopback port of its own. It ends when dropped.
#[derive(Debug)]
pub struct NameServer {
    addr: SocketAddr,
    asked: Arc<AtomicUsize>,
    serving: [AbortHandle; 2],
}

type Answer = dyn Fn(&Query, usize) -> Reply + Send + Sync;

/// What both ways to the server share.
#[derive(Clone)]
struct Desk {
    answer: Arc<Answer>,
    asked: Arc<AtomicUsize>,
}

impl NameServer {
    /// Answers each question, with its number from 0, as `answer` says.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(answer: impl Fn(&Query, usize) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        let (udp, tcp) = one_port().await?;
        let (addr, asked) = (udp.local_addr()?, Arc::default());
        let desk = Desk { answer: Arc::new(answer), asked: Arc::clone(&asked) };
        let serving = [tokio::spawn(over_udp(udp, desk.clone())), tokio::spawn(over_tcp(tcp, desk))];
        Ok(Self { addr, asked, serving: serving.map(|task| task.abort_handle()) })
    }

    /// Where it listens, over UDP as over TCP.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many questions came.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.serving.iter().for_each(AbortHandle::abort);
    }
}

async fn over_udp(socket: UdpSocket, desk: Desk) {
    let mut buffer = [0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        if let Some(bytes) = desk.reply(&buffer[..length], true) {
            // Who has gone is not told, as with any lost packet.
            let _ = socket.send_to(&bytes, from).await;
        }
    }
}

/// Owns the conversations, so that they end when it does.
async fn over_tcp(listener: TcpListener, desk: Desk) {
    let mut conversations = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while conversations.try_join_next().is_some() {}
        conversations.spawn(desk.clone().converse(stream));
    }
}

impl Desk {
    /// Goes on until the other end, or the reply, makes an end of it.
    async fn converse(self, mut stream: TcpStream) -> Option<()> {
        loop {
            let mut question = vec![0; usize::from(stream.read_u16().await.ok()?)];
            stream.read_exact(&mut question).await.ok()?;
            let bytes = self.reply(&question, false)?;
            stream.write_u16(u16::try_from(bytes.len()).ok()?).await.ok()?;
            stream.write_all(&bytes).await.ok()?;
        }
    }

    /// `None` for what is no question, or shall have no answer.
    fn reply(&self, question: &[u8], over_udp: bool) -> Option<Vec<u8>> {
        let question = Message::from_vec(question).ok()?;
        let query = question.queries.first()?.clone();
        let mut message = Message::response(question.metadata.id, OpCode::Query);
        message.metadata.recursion_available = true;
        match (self.answer)(&query, self.asked.fetch_add(1, Ordering::SeqCst)) {
            Reply::Records(data) => add(&mut message, query, data),
            Reply::Late { records, latency_ms } => {
                add(&mut message, query, records);
                message.add_additionals([latency(latency_ms)?]);
            }
            Reply::Code(code) => {
                message.metadata.response_code = code;
                message.add_query(query);
            }
            Reply::Junk(bytes) => return Some(bytes),
            Reply::Mistaken(data) => {
                let other = Query::query(Name::from_ascii("other.example.").ok()?, query.query_type());
                add(&mut message, other, data);
            }
            Reply::Truncated(_) if over_udp => {
                message.metadata.truncation = true;
                message.add_query(query);
            }
            Reply::Truncated(data) => add(&mut message, query, data),
            Reply::Silence => return None,
        }
        message.to_vec().ok()
    }
}

fn add(message: &mut Message, query: Query, data: Vec<RData>) {
    let name = query.name().clone();
    message.add_query(query);
    message.add_answers(data.into_iter().map(|data| Record::from_rdata(name.clone(), TTL_S, data)));
}

fn latency(latency_ms: u32) -> Option<Record> {
    let text = RData::TXT(TXT::new(vec![latency_ms.to_string()]));
    Some(Record::from_rdata(Name::from_ascii(LATENCY_NAME).ok()?, TTL_S, text))
}

/// The same port for both.
async fn one_port() -> io::Result<(UdpSocket, TcpListener)> {
    for _ in 0..TRIES {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr()?).await {
            return Ok((udp, tcp));
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no port is free for both UDP and TCP"))
}
