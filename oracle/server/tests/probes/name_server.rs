//! A name server, over UDP and TCP, that answers what a test says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_resolver::proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_resolver::proto::rr::{RData, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// What the server sends back.
pub enum Reply {
    /// Records of the name that was asked for.
    Records(Vec<RData>),
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

/// The server.
#[derive(Clone)]
pub struct NameServer {
    pub addr: SocketAddr,
    asked: Arc<AtomicUsize>,
}

type Answer = dyn Fn(&Query, usize) -> Reply + Send + Sync;

impl NameServer {
    /// Answers each question, with its number from 0, as `answer` says.
    pub async fn start(answer: impl Fn(&Query, usize) -> Reply + Send + Sync + 'static) -> Self {
        let (udp, tcp) = one_port().await;
        let server = Self { addr: udp.local_addr().unwrap(), asked: Arc::default() };
        let answer: Arc<Answer> = Arc::new(answer);
        tokio::spawn(server.clone().over_udp(udp, Arc::clone(&answer)));
        tokio::spawn(server.clone().over_tcp(tcp, answer));
        server
    }

    /// How many questions came.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn over_udp(self, socket: UdpSocket, answer: Arc<Answer>) {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            if let Some(bytes) = self.reply(&buffer[..length], &*answer, true) {
                let _ = socket.send_to(&bytes, from).await;
            }
        }
    }

    async fn over_tcp(self, listener: TcpListener, answer: Arc<Answer>) {
        while let Ok((stream, _)) = listener.accept().await {
            let (server, answer) = (self.clone(), Arc::clone(&answer));
            tokio::spawn(async move { server.converse(stream, &*answer).await });
        }
    }

    async fn converse(self, mut stream: TcpStream, answer: &Answer) -> Option<()> {
        loop {
            let mut question = vec![0; usize::from(stream.read_u16().await.ok()?)];
            stream.read_exact(&mut question).await.ok()?;
            let bytes = self.reply(&question, answer, false)?;
            stream.write_u16(u16::try_from(bytes.len()).unwrap()).await.ok()?;
            stream.write_all(&bytes).await.ok()?;
        }
    }

    fn reply(&self, question: &[u8], answer: &Answer, over_udp: bool) -> Option<Vec<u8>> {
        let question = Message::from_vec(question).unwrap();
        let query = question.queries.first().unwrap().clone();
        let mut message = Message::response(question.metadata.id, OpCode::Query);
        message.metadata.recursion_available = true;
        match answer(&query, self.asked.fetch_add(1, Ordering::SeqCst)) {
            Reply::Records(data) => add(&mut message, query, data),
            Reply::Code(code) => {
                message.metadata.response_code = code;
                message.add_query(query);
            }
            Reply::Junk(bytes) => return Some(bytes),
            Reply::Mistaken(data) => {
                let other = Query::query("other.example.".parse().unwrap(), query.query_type());
                add(&mut message, other, data);
            }
            Reply::Truncated(_) if over_udp => {
                message.metadata.truncation = true;
                message.add_query(query);
            }
            Reply::Truncated(data) => add(&mut message, query, data),
            Reply::Silence => return None,
        }
        Some(message.to_vec().unwrap())
    }
}

fn add(message: &mut Message, query: Query, data: Vec<RData>) {
    let name = query.name().clone();
    message.add_query(query);
    message.add_answers(data.into_iter().map(|data| Record::from_rdata(name.clone(), 60, data)));
}

/// The same port for both.
async fn one_port() -> (UdpSocket, TcpListener) {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
}
