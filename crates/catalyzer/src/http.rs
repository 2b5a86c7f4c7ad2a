//! A small blocking HTTP/1.1 client, the same for `invoke`, warm-up requests and every row of `bench`:
//! one request on a connection, the moment of the first byte, the whole response.

use crate::clock::now_ns;
use anyhow::{Context, Result, bail};
use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// Longest head of a response.
const MAX_HEAD: usize = 64 << 10;
/// Most header fields of a response.
const MAX_HEADERS: usize = 128;
/// Longest body of a response; an answer that does not end must not fill the memory.
const MAX_BODY: usize = 1 << 30;

/// A request, encoded once and sent as often as needed.
#[derive(Clone, Debug)]
pub struct Request {
    bytes: Vec<u8>,
    head_only: bool,
}

impl Request {
    /// Encodes a request. `headers` are `Name: value`; those for host, connection and length are added
    /// when missing.
    ///
    /// # Errors
    /// Something in it can't be sent: a line break in a field, a name that is none.
    pub fn new(method: &str, path: &str, headers: &[String], body: Option<&[u8]>) -> Result<Self> {
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if method.is_empty() || !method.chars().all(token) {
            bail!("\"{method}\" is not an HTTP method");
        }
        if !path.starts_with('/') || path.chars().any(|c| c.is_whitespace() || c.is_control()) {
            bail!("\"{path}\" is not a path; it starts with \"/\" and has no spaces (write them as %20)");
        }
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        let mut given = Vec::new();
        for header in headers {
            let Some((name, value)) = header.split_once(':') else { bail!("\"{header}\": write NAME: VALUE") };
            let value = value.trim();
            if name.is_empty() || !name.chars().all(token) || value.chars().any(|c| c.is_control() && c != '\t') {
                bail!("\"{header}\" is not a header field");
            }
            given.push(name.to_ascii_lowercase());
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let missing = |name: &str| !given.iter().any(|g| g == name);
        if missing("host") {
            head.push_str("Host: localhost\r\n");
        }
        if missing("connection") {
            head.push_str("Connection: close\r\n");
        }
        if let Some(body) = body
            && missing("content-length")
            && missing("transfer-encoding")
        {
            let _ = write!(head, "Content-Length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body.unwrap_or_default());
        Ok(Self { bytes, head_only: method == "HEAD" })
    }

    /// `GET` of a path known to be good.
    ///
    /// # Errors
    /// As [`Request::new`].
    pub fn get(path: &str) -> Result<Self> {
        Self::new("GET", path, &[], None)
    }

    /// Sends it.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn send(&self, stream: &mut TcpStream) -> Result<()> {
        stream.write_all(&self.bytes).context("the request could not be sent")
    }

    /// Reads the response to it.
    ///
    /// # Errors
    /// The connection broke, the response is none, or it took longer than `patience`.
    pub fn response(&self, stream: &mut TcpStream, patience: Duration) -> Result<Response> {
        self.response_after(stream, patience, &mut |_| Ok(()))
    }

    /// The same, where `wait` is called before each read with the connection, to do other things until
    /// there is something to read.
    ///
    /// # Errors
    /// As [`Request::response`], and those of `wait`.
    pub fn response_after(
        &self,
        stream: &mut TcpStream,
        patience: Duration,
        wait: &mut dyn FnMut(BorrowedFd<'_>) -> Result<()>,
    ) -> Result<Response> {
        stream.set_read_timeout(Some(patience))?;
        let buffer = Vec::with_capacity(4096);
        Reader { stream, wait, buffer, start: 0, first_byte_ns: 0, patience }.response(self.head_only)
    }
}

/// A whole response.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header fields in their order.
    pub headers: Vec<(String, String)>,
    /// Body, decoded from its transfer coding.
    pub body: Vec<u8>,
    /// When the first byte was there ([`now_ns`]).
    pub first_byte_ns: u64,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

struct Reader<'a> {
    stream: &'a mut TcpStream,
    wait: &'a mut dyn FnMut(BorrowedFd<'_>) -> Result<()>,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are consumed.
    start: usize,
    first_byte_ns: u64,
    patience: Duration,
}

impl Reader<'_> {
    fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Reads more; false at the end of the stream.
    fn more(&mut self) -> Result<bool> {
        (self.wait)(self.stream.as_fd())?;
        let mut chunk = [0u8; 16 << 10];
        let n = loop {
            match self.stream.read(&mut chunk) {
                Ok(n) => break n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    bail!("no response within {}", humantime::format_duration(self.patience));
                }
                Err(e) if e.kind() == ErrorKind::ConnectionReset => {
                    bail!("the connection was reset before the response was complete");
                }
                Err(e) => return Err(e).context("the response could not be read"),
            }
        };
        if self.first_byte_ns == 0 && n > 0 {
            self.first_byte_ns = now_ns();
        }
        self.buffer.extend_from_slice(&chunk[..n]);
        if self.buffer.len() - self.start > MAX_BODY {
            bail!("the response is longer than {MAX_BODY} bytes");
        }
        Ok(n > 0)
    }

    fn response(mut self, head_only: bool) -> Result<Response> {
        let mut response = loop {
            let response = self.head()?;
            // Interim responses precede the real one.
            if !(100..200).contains(&response.status) {
                break response;
            }
        };
        response.first_byte_ns = self.first_byte_ns;
        response.body = match (head_only, response.status) {
            (true, _) | (_, 204 | 304) => Vec::new(),
            _ => self.body(&response)?,
        };
        Ok(response)
    }

    fn head(&mut self) -> Result<Response> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut head = httparse::Response::new(&mut fields);
            if let httparse::Status::Complete(length) = head.parse(self.rest()).context("the answer is not HTTP")? {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let headers = head.headers.iter().map(|h| (h.name.to_owned(), text(h.value))).collect();
                let status = head.code.unwrap_or(0);
                self.start += length;
                return Ok(Response { status, headers, body: Vec::new(), first_byte_ns: 0 });
            }
            if self.rest().len() > MAX_HEAD {
                bail!("the head of the response is longer than {MAX_HEAD} bytes");
            }
            if !self.more()? {
                match self.rest() {
                    [] => bail!("the connection was closed without a response"),
                    _ => bail!("the connection was closed in the middle of the response's head"),
                }
            }
        }
    }

    fn body(&mut self, response: &Response) -> Result<Vec<u8>> {
        let coding = response.header("transfer-encoding").unwrap_or_default();
        if coding.rsplit(',').next().is_some_and(|c| c.trim().eq_ignore_ascii_case("chunked")) {
            return self.chunks();
        }
        match response.header("content-length") {
            Some(length) => {
                let length = length.trim().parse().ok().filter(|l| *l <= MAX_BODY);
                let length = length.context("the response has an impossible Content-Length")?;
                self.take(length)
            }
            None => {
                while self.more()? {}
                Ok(self.rest().to_vec())
            }
        }
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.rest().len() < length {
            if !self.more()? {
                bail!("the connection was closed {} bytes before the response's end", length - self.rest().len());
            }
        }
        let bytes = self.rest()[..length].to_vec();
        self.start += length;
        Ok(bytes)
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let parsed = httparse::parse_chunk_size(self.rest());
            match parsed.map_err(|_| anyhow::anyhow!("the response has a malformed chunk"))? {
                httparse::Status::Complete((head, size)) => {
                    let size = usize::try_from(size).ok().filter(|s| s + body.len() <= MAX_BODY);
                    let size = size.context("the response has an impossible chunk")?;
                    self.start += head;
                    if size == 0 {
                        // Trailers and the connection's end say nothing that is needed.
                        return Ok(body);
                    }
                    body.extend(self.take(size)?);
                    self.take(2)?;
                }
                httparse::Status::Partial => {
                    if !self.more()? {
                        bail!("the connection was closed in the middle of the response");
                    }
                }
            }
        }
    }
}

/// Makes connections of which we hold both ends: the client's, and the one an instance gets.
#[derive(Debug)]
pub struct Pairs {
    listener: TcpListener,
    address: SocketAddr,
}

/// Both ends of a TCP connection over the loopback.
#[derive(Debug)]
pub struct Pair {
    /// The client's end.
    pub client: TcpStream,
    /// The accepted end.
    pub server: OwnedFd,
    /// The client's address.
    pub peer: SocketAddr,
}

impl Pairs {
    /// Listens on a port of its own on 127.0.0.1.
    ///
    /// # Errors
    /// No port can be had.
    pub fn new() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port on 127.0.0.1")?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Connects.
    ///
    /// # Errors
    /// The connection fails.
    pub fn connect(&self) -> Result<Pair> {
        let client = TcpStream::connect(self.address).context("127.0.0.1 can't be connected to")?;
        client.set_nodelay(true)?;
        let own = client.local_addr()?;
        // The listener is open to everyone on this host: only our own connection counts.
        loop {
            let (server, peer) = self.listener.accept()?;
            if peer == own {
                server.set_nodelay(true)?;
                return Ok(Pair { client, server: server.into(), peer });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::OwnedFd;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// The response that a client makes of these bytes.
    fn read(method: &str, answer: &'static [u8]) -> Result<Response> {
        let mut pair = Pairs::new().unwrap().connect().unwrap();
        let request = Request::new(method, "/", &[], None).unwrap();
        request.send(&mut pair.client).unwrap();
        let writer = std::thread::spawn(move || {
            let mut server = TcpStream::from(pair.server);
            // A client that has seen enough may be gone before the end.
            let _ = answer.chunks(3).try_for_each(|bytes| server.write_all(bytes));
            // The request is read, so that the close is no reset.
            let _ = server.shutdown(std::net::Shutdown::Write);
            let _ = server.read_to_end(&mut Vec::new());
        });
        let response = request.response(&mut pair.client, PATIENCE);
        drop(pair.client);
        writer.join().unwrap();
        response
    }

    #[test]
    fn a_body_ends_by_length_by_chunks_or_with_the_connection() {
        for answer in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"[..],
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ] {
            let response = read("GET", answer).unwrap();
            assert_eq!((response.status, response.body.as_slice()), (200, &b"hello"[..]));
            assert!(response.first_byte_ns > 0);
        }
    }

    #[test]
    fn some_responses_have_no_body() {
        assert_eq!(read("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").unwrap().body, b"");
        assert_eq!(read("GET", b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().body, b"");
    }

    #[test]
    fn a_broken_answer_says_how_it_is_broken() {
        for (answer, expected) in [
            (&b""[..], "without a response"),
            (b"HTTP/1.1 200 OK\r\nContent-", "middle of the response's head"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "4 bytes before"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "impossible Content-Length"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed chunk"),
            (b"SSH-2.0-OpenSSH\r\n", "not HTTP"),
        ] {
            let error = format!("{:#}", read("GET", answer).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn fields_that_are_missing_are_added_and_given_ones_kept() {
        let request = Request::new("POST", "/x", &["host: h".into()], Some(b"body")).unwrap();
        let text = String::from_utf8(request.bytes).unwrap();
        assert_eq!(text, "POST /x HTTP/1.1\r\nhost: h\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody");
    }

    #[test]
    fn nothing_slips_into_the_head() {
        assert!(Request::new("GET", "/ HTTP/1.1\r\nX: y", &[], None).is_err());
        assert!(Request::new("G T", "/", &[], None).is_err());
        assert!(Request::new("GET", "/", &["X: y\r\nZ: z".into()], None).is_err());
        assert!(Request::new("GET", "/", &["no colon".into()], None).is_err());
    }

    #[test]
    fn both_ends_of_a_pair_are_connected() {
        let mut pair = Pairs::new().unwrap().connect().unwrap();
        assert_eq!(pair.client.local_addr().unwrap(), pair.peer);
        let server: OwnedFd = pair.server;
        TcpStream::from(server).write_all(b"x").unwrap();
        let mut byte = [0];
        pair.client.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
    }
}
