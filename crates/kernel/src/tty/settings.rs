//! The settings of a terminal (`termios(3)`).

use bitflags::bitflags;

bitflags! {
    /// `c_iflag`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Input: u32 {
        /// `ISTRIP`.
        const STRIP = 0o40;
        /// `INLCR`.
        const NL_TO_CR = 0o100;
        /// `IGNCR`.
        const IGNORE_CR = 0o200;
        /// `ICRNL`.
        const CR_TO_NL = 0o400;
        /// `IUCLC`.
        const LOWER = 0o1000;
        /// `IXON`.
        const FLOW = 0o2000;
        /// `IXANY`.
        const ANY_STARTS = 0o4000;
        /// `IMAXBEL`.
        const BELL = 0o20000;
        /// `IUTF8`.
        const UTF8 = 0o40000;
    }

    /// `c_oflag`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Output: u32 {
        /// `OPOST`.
        const PROCESS = 0o1;
        /// `OLCUC`.
        const UPPER = 0o2;
        /// `ONLCR`.
        const NL_TO_CRNL = 0o4;
        /// `OCRNL`.
        const CR_TO_NL = 0o10;
        /// `ONOCR`.
        const NO_CR_AT_0 = 0o20;
        /// `ONLRET`.
        const NL_RETURNS = 0o40;
        /// `XTABS`.
        const TABS_TO_SPACES = 0o14000;
    }

    /// `c_lflag`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Local: u32 {
        /// `ISIG`.
        const SIGNALS = 0o1;
        /// `ICANON`.
        const CANONICAL = 0o2;
        /// `ECHO`.
        const ECHO = 0o10;
        /// `ECHOE`.
        const ECHO_ERASE = 0o20;
        /// `ECHOK`.
        const ECHO_KILL = 0o40;
        /// `ECHONL`.
        const ECHO_NL = 0o100;
        /// `NOFLSH`.
        const NO_FLUSH = 0o200;
        /// `TOSTOP`.
        const STOP_WRITERS = 0o400;
        /// `ECHOCTL`.
        const ECHO_CONTROL = 0o1000;
        /// `ECHOKE`.
        const ECHO_KILL_ERASE = 0o4000;
        /// `IEXTEN`.
        const EXTENDED = 0o100000;
    }
}

/// Places of `c_cc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Special {
    Interrupt = 0,
    Quit = 1,
    Erase = 2,
    Kill = 3,
    EndOfFile = 4,
    Time = 5,
    Min = 6,
    Start = 8,
    Stop = 9,
    Suspend = 10,
    EndOfLine = 11,
    Reprint = 12,
    EraseWord = 14,
    LiteralNext = 15,
    EndOfLine2 = 16,
}

/// Bytes of the kernel's `struct termios`.
pub const SIZE: usize = 36;
/// Bytes of its `struct termios2`, which has two speeds more.
pub const SIZE2: usize = 44;

/// The bytes of the kernel's `struct termios`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings(pub [u8; SIZE]);

/// As Linux sets up a new terminal.
pub const DEFAULT: Settings = Settings([
    0x00, 0x05, 0, 0, 0x05, 0, 0, 0, 0xbf, 0, 0, 0, 0x3b, 0x8a, 0, 0, 0, 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18,
    15, 23, 22, 0, 0, 0,
]);

impl Settings {
    fn word(&self, at: usize) -> u32 {
        self.0.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |word| u32::from_ne_bytes(*word))
    }

    /// `c_iflag`.
    pub fn input(&self) -> Input {
        Input::from_bits_truncate(self.word(0))
    }

    /// `c_oflag`.
    pub fn output(&self) -> Output {
        Output::from_bits_truncate(self.word(4))
    }

    /// `c_lflag`.
    pub fn local(&self) -> Local {
        Local::from_bits_truncate(self.word(12))
    }

    /// A number of `c_cc`.
    pub fn number(&self, place: Special) -> u8 {
        self.0.get(17 + place as usize).copied().unwrap_or(0)
    }

    /// Whether a byte is this special character; a zero switches it off.
    pub fn is(&self, place: Special, byte: u8) -> bool {
        byte != 0 && self.number(place) == byte
    }

    /// Whether flow control uses the usual characters, which packet mode tells of.
    pub fn has_usual_flow_control(&self) -> bool {
        self.input().contains(Input::FLOW) && self.number(Special::Stop) == 0o23 && self.number(Special::Start) == 0o21
    }

    /// `struct termios2`: with both speeds, which `c_cflag` names by a code.
    pub fn with_speeds(&self) -> [u8; SIZE2] {
        const SPEEDS: [u32; 16] =
            [0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19_200, 38_400];
        const FAST: [u32; 15] = [
            57_600, 115_200, 230_400, 460_800, 500_000, 576_000, 921_600, 1_000_000, 1_152_000, 1_500_000, 2_000_000,
            2_500_000, 3_000_000, 3_500_000, 4_000_000,
        ];
        const EXTENDED: u32 = 0o10000;
        let code = self.word(8) & 0o10017;
        let speed = match code & EXTENDED {
            0 => SPEEDS.get(code as usize),
            _ => FAST.get(((code & 0o17) as usize).saturating_sub(1)),
        };
        let speed = speed.copied().unwrap_or(0).to_ne_bytes();
        let mut bytes = [0; SIZE2];
        let (head, tail) = bytes.split_at_mut(SIZE);
        head.copy_from_slice(&self.0);
        let (one, other) = tail.split_at_mut(4);
        one.copy_from_slice(&speed);
        other.copy_from_slice(&speed);
        bytes
    }
}
