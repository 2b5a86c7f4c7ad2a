//! A queue of bytes in the byte arena: pipe and socket data.

use crate::errno::{EFAULT, Errno};
use crate::user_memory::{Sink, Source};
use alloc::collections::VecDeque;

/// An empty queue with more room than this gives it back.
const KEEP: usize = 4096;

/// Bytes in order.
#[derive(Default)]
pub struct ByteQueue {
    // Elements of alignment 1: that is what chooses the byte arena, which is not scanned for pointers.
    bytes: VecDeque<u8>,
}

impl ByteQueue {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends up to `limit` bytes of a source; answers how many.
    ///
    /// # Errors
    /// `EFAULT` when not even the first byte could be read.
    pub fn fill(&mut self, source: &mut dyn Source, limit: usize) -> Result<usize, Errno> {
        let start = self.bytes.len();
        let wanted = source.left().min(limit);
        self.bytes.resize(start + wanted, 0);
        let (front, back) = self.bytes.as_mut_slices();
        let split = front.len().max(start);
        let mut result = Ok(0);
        if start < front.len() {
            result = source.take(&mut front[start..]);
        }
        if let Ok(taken) = result
            && start + taken == split
            && taken < wanted
        {
            let from = start.saturating_sub(front.len());
            result = match source.take(&mut back[from..]) {
                Ok(more) => Ok(taken + more),
                Err(errno) if taken == 0 => Err(errno),
                Err(_) => Ok(taken),
            };
        }
        self.bytes.truncate(start + result.unwrap_or(0));
        result
    }

    /// Appends exactly `count` bytes of a source, or nothing.
    ///
    /// # Errors
    /// `EFAULT` when not all of them could be read.
    pub fn fill_whole(&mut self, source: &mut dyn Source, count: usize) -> Result<(), Errno> {
        let before = self.bytes.len();
        if self.fill(source, count)? < count {
            self.bytes.truncate(before);
            return Err(EFAULT);
        }
        Ok(())
    }

    /// Copies up to `limit` bytes, starting `from` bytes behind the front, to a sink, and leaves them; answers
    /// how many.
    ///
    /// # Errors
    /// `EFAULT` when not even the first byte could be written.
    pub fn peek(&self, sink: &mut dyn Sink, from: usize, limit: usize) -> Result<usize, Errno> {
        let (front, back) = self.bytes.as_slices();
        let mut done = 0;
        for part in [front.get(from..).unwrap_or_default(), &back[from.saturating_sub(front.len()).min(back.len())..]] {
            let part = &part[..part.len().min(limit - done)];
            if part.is_empty() {
                continue;
            }
            match sink.put(part) {
                Ok(put) => done += put,
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    /// Drops bytes at the front.
    pub fn skip(&mut self, count: usize) {
        self.bytes.drain(..count.min(self.bytes.len()));
        if self.bytes.is_empty() && self.bytes.capacity() > KEEP {
            self.bytes = VecDeque::new();
        }
    }

    /// Moves up to `limit` bytes to a sink; answers how many.
    ///
    /// # Errors
    /// `EFAULT` when not even the first byte could be written.
    pub fn drain(&mut self, sink: &mut dyn Sink, limit: usize) -> Result<usize, Errno> {
        let done = self.peek(sink, 0, limit)?;
        self.skip(done);
        Ok(done)
    }

    /// Appends bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_survives_wrapping_around() {
        let mut queue = ByteQueue::default();
        let (mut sent, mut received) = (0u8, 0u8);
        for round in 0..2000usize {
            let out: std::vec::Vec<u8> = (0..round % 37).map(|i| sent.wrapping_add(i as u8)).collect();
            assert_eq!(queue.fill(&mut out.as_slice(), 30), Ok(out.len().min(30)));
            sent = sent.wrapping_add(out.len().min(30) as u8);
            let mut room = [0; 41];
            let wanted = (round * 7) % 41;
            let peeked = queue.peek(&mut &mut room[..], 0, wanted).unwrap();
            let mut into = [0; 41];
            let got = queue.drain(&mut &mut into[..wanted], 100).unwrap();
            assert_eq!(room[..peeked], into[..got]);
            for byte in &into[..got] {
                assert_eq!(*byte, received);
                received = received.wrapping_add(1);
            }
        }
    }

    #[test]
    fn peek_starts_behind_the_front() {
        let mut queue = ByteQueue::default();
        queue.push(b"abcdef");
        let mut room = [0; 3];
        assert_eq!(queue.peek(&mut &mut room[..], 2, 3), Ok(3));
        assert_eq!(&room, b"cde");
        assert_eq!(queue.len(), 6);
    }
}
