//! `fork-server`: an unsandboxed, initialised interpreter that forks for each connection.

use super::PATIENCE;
use super::native::connect;
use crate::clock::{now_ns, us_between};
use crate::config::Function;
use crate::http::{Request, Response};
use anyhow::{Context, Result, bail};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running fork server; dropping it ends it.
#[derive(Debug)]
pub struct ForkServer {
    child: Child,
    port: u16,
}

impl ForkServer {
    /// Starts the function's fork server in the function's directory, with `PORT` in its environment,
    /// and waits until it listens. None when the function names none.
    ///
    /// # Errors
    /// It does not start or does not listen.
    pub fn start(function: &Function) -> Result<Option<Self>> {
        let Some([program, arguments @ ..]) = function.bench.fork_server.as_deref() else { return Ok(None) };
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = Command::new(program);
        command.args(arguments).envs(&function.env).env("PORT", port.to_string());
        if let Some(directory) = &function.directory {
            command.current_dir(directory);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut server = Self { child: child.with_context(|| format!("fork_server: {program}"))?, port };
        loop {
            if connect(port, Duration::from_millis(20)).is_ok() {
                return Ok(Some(server));
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("fork_server: {program}: ended before it listened ({status})");
            }
        }
    }

    /// One request, answered by one forked process: microseconds to the response's first byte.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn first_response(&self, request: &Request) -> Result<(f64, Response)> {
        let mut client = connect(self.port, PATIENCE)?;
        let asked_ns = now_ns();
        request.send(&mut client)?;
        let response = request.response(&mut client, PATIENCE)?;
        Ok((us_between(asked_ns, response.first_byte_ns), response))
    }
}

impl Drop for ForkServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
