//! hello-rust: a server on `std::net::TcpListener`, a thread for each connection, no dependencies.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, process, thread};

static REQUESTS: AtomicU64 = AtomicU64::new(0);

fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(&stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let count = REQUESTS.fetch_add(1, Ordering::Relaxed) + 1;
    let (status, body) = if request.starts_with("GET / ") {
        ("200 OK", format!("hello from Rust, request {count}, pid {}\n", process::id()))
    } else {
        ("404 Not Found", "not found\n".to_owned())
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n");
    stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes())
}

fn main() -> io::Result<()> {
    let port = env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8080);
    let listener = TcpListener::bind(("0.0.0.0", port))?;
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            if let Err(error) = answer(stream) {
                eprintln!("connection: {error}");
            }
        });
    }
    Ok(())
}
