//! The line discipline (`termios(3)`): what becomes of bytes on their way in and out. It knows no processes and no files;
//! what it can't do itself it says in [`Effects`].

use super::settings::{Input, Local, Output, SIZE, Settings, Special};
use crate::heap::guest_word::ByteBox;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Bytes that wait to be read; a line has one less (`MAX_CANON`, `N_TTY_BUF_SIZE`).
const LIMIT: usize = 4095;
/// Bytes from the other side that are not yet looked at.
const BACKLOG: usize = 64 << 10;
/// No column is counted beyond this.
const WIDEST: usize = 1 << 20;

/// Settings, input and the line that is being edited.
pub struct Discipline {
    // The guest chooses the settings.
    settings: ByteBox<[u8; SIZE]>,
    /// What came from the other side and has no room yet.
    backlog: VecDeque<u8>,
    /// What can be read: in canonical mode complete lines.
    input: VecDeque<u8>,
    /// Lengths of the lines in `input`, in canonical mode. An empty one is an end of file.
    lines: VecDeque<u16>,
    /// The line that is being edited.
    edited: Vec<u8>,
    /// The next byte is taken as it is.
    literal: bool,
    /// Where the cursor is, and where it was when the line began.
    column: usize,
    line_column: usize,
}

/// A signal for the foreground process group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signalled {
    /// `SIGINT`.
    Interrupt,
    /// `SIGQUIT`.
    Quit,
    /// `SIGTSTP`.
    Suspend,
}

/// What input does besides becoming input.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Bytes for the other side.
    pub echo: Vec<u8>,
    /// Signals.
    pub signals: Vec<Signalled>,
    /// Output that was not yet taken is dropped; the echo comes after that.
    pub flushes_output: bool,
    /// Output is stopped or started.
    pub flow: Option<Flow>,
}

/// Whether output goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Start,
    /// It does not.
    Stop,
}

fn is_control(byte: u8) -> bool {
    byte < 32 || byte == 127
}

/// Whether a byte of UTF-8 continues a character.
fn continues(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

impl Default for Discipline {
    fn default() -> Self {
        Self {
            settings: ByteBox::new(super::settings::DEFAULT.0),
            backlog: VecDeque::new(),
            input: VecDeque::new(),
            lines: VecDeque::new(),
            edited: Vec::new(),
            literal: false,
            column: 0,
            line_column: 0,
        }
    }
}

impl Discipline {
    /// The settings.
    pub fn settings(&self) -> Settings {
        Settings(self.settings.load())
    }

    /// Changes the settings. Between the modes no input is lost.
    pub fn set(&mut self, settings: Settings) {
        let before = self.settings().local();
        self.settings.store(settings.0);
        let after = settings.local();
        if before.contains(Local::CANONICAL) == after.contains(Local::CANONICAL) {
            return;
        }
        self.input.extend(self.edited.drain(..));
        self.lines.clear();
        if after.contains(Local::CANONICAL) && !self.input.is_empty() {
            self.lines.push_back(self.input.len().min(usize::from(u16::MAX)) as u16);
        }
    }

    fn is_canonical(&self) -> bool {
        self.settings().local().contains(Local::CANONICAL)
    }

    /// Bytes that can be read now.
    pub fn available(&self) -> usize {
        self.input.len()
    }

    /// Bytes that have to be there before a read is done.
    pub fn wanted(&self) -> usize {
        let settings = self.settings();
        match (settings.number(Special::Min), settings.number(Special::Time)) {
            (min @ 1.., 0) => usize::from(min),
            _ => 1,
        }
    }

    /// Whether a read finds something.
    pub fn is_readable(&self) -> bool {
        if self.is_canonical() { !self.lines.is_empty() } else { self.input.len() >= self.wanted() }
    }

    /// Takes up to `room` bytes; in canonical mode no more than a line, and none: there is no line yet.
    pub fn read(&mut self, room: usize) -> Option<Vec<u8>> {
        if !self.is_canonical() {
            let len = self.input.len().min(room);
            return Some(self.input.drain(..len).collect());
        }
        let first = self.lines.front_mut()?;
        let len = usize::from(*first).min(room);
        *first -= len as u16;
        if *first == 0 {
            self.lines.pop_front();
        }
        Some(self.input.drain(..len).collect())
    }

    /// There is no more input: what is being typed is a line, and the file ends after it.
    pub fn end(&mut self, effects: &mut Effects) {
        self.go_on(effects);
        if self.is_canonical() {
            if !self.edited.is_empty() {
                self.end_line(None);
            }
            self.end_line(None);
        }
    }

    /// Drops all input.
    pub fn flush(&mut self) {
        self.backlog.clear();
        self.input.clear();
        self.lines.clear();
        self.edited.clear();
        self.literal = false;
    }

    /// How many bytes from the other side there is room for.
    pub fn room(&self) -> usize {
        BACKLOG.saturating_sub(self.backlog.len())
    }

    /// Bytes came from the other side.
    pub fn receive(&mut self, bytes: &[u8], effects: &mut Effects) {
        self.backlog.extend(bytes);
        self.go_on(effects);
    }

    /// Looks at what came, as far as there is room for it. What does not fit into a line that nobody could read
    /// is lost, so that it can be ended.
    pub fn go_on(&mut self, effects: &mut Effects) {
        while let Some(byte) = self.backlog.front().copied() {
            let full = self.input.len() + self.edited.len() >= LIMIT;
            if full && (!self.is_canonical() || !self.lines.is_empty()) {
                return;
            }
            self.backlog.pop_front();
            self.take(byte, effects);
        }
    }

    fn take(&mut self, mut byte: u8, effects: &mut Effects) {
        let settings = self.settings();
        let (input, local) = (settings.input(), settings.local());
        if input.contains(Input::STRIP) {
            byte &= 0x7f;
        }
        if input.contains(Input::LOWER) && local.contains(Local::EXTENDED) {
            byte = byte.to_ascii_lowercase();
        }
        if core::mem::take(&mut self.literal) {
            return self.add(byte, effects);
        }
        if input.contains(Input::FLOW) {
            if settings.is(Special::Start, byte) {
                effects.flow = Some(Flow::Start);
                return;
            }
            if settings.is(Special::Stop, byte) {
                effects.flow = Some(Flow::Stop);
                return;
            }
        }
        if local.contains(Local::SIGNALS) {
            for (special, signal) in [
                (Special::Interrupt, Signalled::Interrupt),
                (Special::Quit, Signalled::Quit),
                (Special::Suspend, Signalled::Suspend),
            ] {
                if settings.is(special, byte) {
                    return self.signal(byte, signal, effects);
                }
            }
        }
        if input.contains(Input::FLOW | Input::ANY_STARTS) {
            effects.flow = Some(Flow::Start);
        }
        let mut is_newline = local.contains(Local::CANONICAL);
        match byte {
            b'\r' if input.contains(Input::IGNORE_CR) => return,
            b'\r' if input.contains(Input::CR_TO_NL) => {
                byte = b'\n';
                is_newline = true;
            }
            b'\n' if input.contains(Input::NL_TO_CR) => byte = b'\r',
            _ => {}
        }
        if local.contains(Local::CANONICAL) && self.edit(byte, effects) {
            return;
        }
        // As Linux: a newline that was typed as one is shown as the control character that it is.
        if byte == b'\n' && is_newline { self.add_newline(effects) } else { self.add(byte, effects) }
    }

    fn signal(&mut self, byte: u8, signal: Signalled, effects: &mut Effects) {
        let settings = self.settings();
        effects.signals.push(signal);
        if !settings.local().contains(Local::NO_FLUSH) {
            let backlog = core::mem::take(&mut self.backlog);
            self.flush();
            self.backlog = backlog;
            effects.echo.clear();
            effects.flushes_output = true;
        }
        if settings.input().contains(Input::FLOW) {
            effects.flow = Some(Flow::Start);
        }
        if settings.local().contains(Local::ECHO) {
            self.echo(byte, effects);
        }
    }

    /// Canonical mode: answers whether the byte was one that edits or ends the line.
    fn edit(&mut self, byte: u8, effects: &mut Effects) -> bool {
        let settings = self.settings();
        let local = settings.local();
        let extended = local.contains(Local::EXTENDED);
        let echoes = local.contains(Local::ECHO);
        if settings.is(Special::Erase, byte) {
            self.erase_character(effects);
        } else if settings.is(Special::Kill, byte) {
            self.kill(effects);
        } else if extended && settings.is(Special::EraseWord, byte) {
            self.erase_word(effects);
        } else if extended && settings.is(Special::LiteralNext, byte) {
            self.literal = true;
            if echoes && local.contains(Local::ECHO_CONTROL) {
                self.send(b"^\x08", effects);
            }
        } else if extended && echoes && settings.is(Special::Reprint, byte) {
            self.echo(byte, effects);
            self.send(b"\n", effects);
            for byte in self.edited.clone() {
                self.echo(byte, effects);
            }
        } else if byte == b'\n' {
            if local.intersects(Local::ECHO | Local::ECHO_NL) {
                self.send(b"\n", effects);
            }
            self.end_line(Some(byte));
        } else if settings.is(Special::EndOfFile, byte) {
            self.end_line(None);
        } else if settings.is(Special::EndOfLine, byte) || extended && settings.is(Special::EndOfLine2, byte) {
            if echoes {
                self.echo(byte, effects);
            }
            self.end_line(Some(byte));
        } else {
            return false;
        }
        true
    }

    fn end_line(&mut self, end: Option<u8>) {
        self.edited.extend(end);
        self.lines.push_back(self.edited.len() as u16);
        self.input.extend(self.edited.drain(..));
    }

    /// An ordinary byte.
    fn add(&mut self, byte: u8, effects: &mut Effects) {
        let settings = self.settings();
        if self.input.len() + self.edited.len() >= LIMIT {
            if settings.input().contains(Input::BELL) {
                self.send(b"\x07", effects);
            }
            return;
        }
        if settings.local().contains(Local::ECHO) {
            if self.edited.is_empty() {
                self.line_column = self.column;
            }
            self.echo(byte, effects);
        }
        if self.is_canonical() {
            self.edited.push(byte);
        } else {
            self.input.push_back(byte);
        }
    }

    /// A newline without lines.
    fn add_newline(&mut self, effects: &mut Effects) {
        if self.settings().local().contains(Local::ECHO) {
            self.send(b"\n", effects);
        }
        self.input.push_back(b'\n');
    }

    /// Echoes a byte, a control character in two.
    fn echo(&mut self, byte: u8, effects: &mut Effects) {
        if self.shows_control() && is_control(byte) && byte != b'\t' {
            self.send(&[b'^', byte ^ 0x40], effects);
        } else {
            self.send(&[byte], effects);
        }
    }

    fn shows_control(&self) -> bool {
        self.settings().local().contains(Local::ECHO_CONTROL)
    }

    fn send(&mut self, bytes: &[u8], effects: &mut Effects) {
        self.process(bytes, &mut effects.echo);
    }

    /// Takes a character off the line; answers its first byte and how many there were.
    fn pop_character(&mut self) -> Option<u8> {
        let mut byte = self.edited.pop()?;
        while self.settings().input().contains(Input::UTF8) && continues(byte) {
            match self.edited.last() {
                Some(_) => byte = self.edited.pop()?,
                None => break,
            }
        }
        Some(byte)
    }

    /// Wipes a character that was taken off the line from the screen.
    fn wipe(&mut self, byte: u8, effects: &mut Effects) {
        if byte == b'\t' {
            let before = self.columns();
            for _ in 0..8 - before % 8 {
                self.send(b"\x08", effects);
            }
            return;
        }
        let controls = is_control(byte);
        let cells = match (controls, self.shows_control()) {
            (true, true) => 2,
            (true, false) => 0,
            (false, _) => 1,
        };
        for _ in 0..cells {
            self.send(b"\x08 \x08", effects);
        }
    }

    /// The column at the end of the line that is being edited.
    fn columns(&self) -> usize {
        let mut column = self.line_column;
        for byte in &self.edited {
            column += match byte {
                b'\t' => 8 - column % 8,
                byte if is_control(*byte) => {
                    if self.shows_control() {
                        2
                    } else {
                        0
                    }
                }
                byte if self.settings().input().contains(Input::UTF8) && continues(*byte) => 0,
                _ => 1,
            };
        }
        column
    }

    fn erase_character(&mut self, effects: &mut Effects) {
        let local = self.settings().local();
        let Some(byte) = self.pop_character() else { return };
        if !local.contains(Local::ECHO) {
            return;
        }
        if local.contains(Local::ECHO_ERASE) {
            self.wipe(byte, effects);
        } else {
            self.echo(self.settings().number(Special::Erase), effects);
        }
    }

    fn erase_word(&mut self, effects: &mut Effects) {
        let mut seen = false;
        while let Some(last) = self.edited.last().copied() {
            let in_word = last.is_ascii_alphanumeric() || last == b'_' || last >= 0x80;
            if seen && !in_word {
                return;
            }
            seen |= in_word;
            let Some(byte) = self.pop_character() else { return };
            if self.settings().local().contains(Local::ECHO) {
                self.wipe(byte, effects);
            }
        }
    }

    fn kill(&mut self, effects: &mut Effects) {
        let local = self.settings().local();
        if self.edited.is_empty() {
            return;
        }
        if !local.contains(Local::ECHO) {
            self.edited.clear();
        } else if local.contains(Local::ECHO_KILL | Local::ECHO_KILL_ERASE | Local::ECHO_ERASE) {
            while let Some(byte) = self.pop_character() {
                self.wipe(byte, effects);
            }
        } else {
            self.edited.clear();
            self.echo(self.settings().number(Special::Kill), effects);
            if local.contains(Local::ECHO_KILL) {
                self.send(b"\n", effects);
            }
        }
    }

    /// Output on its way to the other side.
    pub fn process(&mut self, bytes: &[u8], to: &mut Vec<u8>) {
        let settings = self.settings();
        let output = settings.output();
        if !output.contains(Output::PROCESS) {
            to.extend_from_slice(bytes);
            return;
        }
        for byte in bytes.iter().copied() {
            match byte {
                b'\n' => {
                    if output.contains(Output::NL_TO_CRNL) {
                        to.push(b'\r');
                    }
                    if output.intersects(Output::NL_TO_CRNL | Output::NL_RETURNS) {
                        self.column = 0;
                    }
                    to.push(b'\n');
                }
                b'\r' if output.contains(Output::NO_CR_AT_0) && self.column == 0 => {}
                b'\r' if output.contains(Output::CR_TO_NL) => {
                    if output.contains(Output::NL_RETURNS) {
                        self.column = 0;
                    }
                    to.push(b'\n');
                }
                b'\r' => {
                    self.column = 0;
                    to.push(b'\r');
                }
                b'\t' => {
                    let cells = 8 - self.column % 8;
                    self.column = (self.column + cells) % WIDEST;
                    if output.contains(Output::TABS_TO_SPACES) {
                        to.extend(core::iter::repeat_n(b' ', cells));
                    } else {
                        to.push(b'\t');
                    }
                }
                8 => {
                    self.column = self.column.saturating_sub(1);
                    to.push(8);
                }
                byte if is_control(byte) => to.push(byte),
                byte => {
                    let utf8 = settings.input().contains(Input::UTF8);
                    if !(utf8 && continues(byte)) {
                        self.column = (self.column + 1) % WIDEST;
                    }
                    to.push(if output.contains(Output::UPPER) { byte.to_ascii_uppercase() } else { byte });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn typed(discipline: &mut Discipline, bytes: &[u8]) -> (String, Effects) {
        let mut effects = Effects::default();
        discipline.receive(bytes, &mut effects);
        (String::from_utf8_lossy(&effects.echo).into_owned(), effects)
    }

    #[test]
    fn a_line_is_read_when_it_is_ended() {
        let mut discipline = Discipline::default();
        assert_eq!(typed(&mut discipline, b"ab\x7fc").0, "ab\x08 \x08c");
        assert_eq!(discipline.read(10), None);
        assert_eq!(typed(&mut discipline, b"\r").0, "\r\n");
        assert_eq!(discipline.read(2).unwrap(), b"ac");
        assert_eq!(discipline.read(10).unwrap(), b"\n");
    }

    #[test]
    fn end_of_file_ends_a_line_without_a_byte() {
        let mut discipline = Discipline::default();
        typed(&mut discipline, b"x\x04\x04");
        assert_eq!(discipline.read(10).unwrap(), b"x");
        assert_eq!(discipline.read(10).unwrap(), b"");
        assert_eq!(discipline.read(10), None);
    }

    #[test]
    fn words_and_lines_are_erased() {
        let mut discipline = Discipline::default();
        typed(&mut discipline, b"one two \x17");
        assert_eq!(discipline.edited, b"one ");
        let (echo, _) = typed(&mut discipline, b"\x15");
        assert_eq!(echo.matches("\x08 \x08").count(), 4);
        assert!(discipline.edited.is_empty());
    }

    #[test]
    fn a_literal_control_character_is_input() {
        let mut discipline = Discipline::default();
        let (echo, effects) = typed(&mut discipline, b"\x16\x03\n");
        assert_eq!(echo, "^\x08^C\r\n");
        assert!(effects.signals.is_empty());
        assert_eq!(discipline.read(10).unwrap(), b"\x03\n");
    }

    #[test]
    fn a_signal_drops_what_was_typed() {
        let mut discipline = Discipline::default();
        let (echo, effects) = typed(&mut discipline, b"abc\x03");
        assert_eq!((echo.as_str(), effects.signals.as_slice()), ("^C", [Signalled::Interrupt].as_slice()));
        assert!(effects.flushes_output && discipline.edited.is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_can_be_ended() {
        let mut discipline = Discipline::default();
        typed(&mut discipline, &[b'x'; 5000]);
        typed(&mut discipline, b"\n");
        assert_eq!(discipline.read(9000).unwrap().len(), LIMIT + 1);
    }

    #[test]
    fn input_survives_a_change_of_mode() {
        let mut discipline = Discipline::default();
        typed(&mut discipline, b"half");
        let mut settings = discipline.settings();
        settings.0[12] &= !2;
        discipline.set(settings);
        assert_eq!(discipline.read(3).unwrap(), b"hal");
        settings.0[12] |= 2;
        discipline.set(settings);
        assert_eq!(discipline.read(3).unwrap(), b"f");
    }
}
