//! Quantities as people write them: `256MiB`, `30s`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Bytes, written with a binary or decimal unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

const UNITS: [(&str, u64); 11] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("G", 1 << 30),
    ("M", 1 << 20),
    ("K", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = (&text[..digits], text[digits..].trim_start());
        let complaint = || format!("\"{text}\" is not a size; write a whole number and a unit, such as \"256MiB\"");
        let number: u64 = number.parse().map_err(|_| complaint())?;
        let scale = match unit {
            "" => 1,
            _ => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(complaint)?.1,
        };
        number.checked_mul(scale).map(Size).ok_or_else(|| format!("\"{text}\" is more than this machine can count"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS[..4].iter().find(|(_, scale)| self.0 >= *scale && self.0.is_multiple_of(*scale));
        match unit {
            Some((name, scale)) => write!(f, "{}{name}", self.0 / scale),
            None => write!(f, "{}B", self.0),
        }
    }
}

/// A length of time, written as `30s`, `1m 30s` or `250ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match humantime::parse_duration(text) {
            Ok(duration) if duration.is_zero() => Err(format!("\"{text}\": a duration must be longer than nothing")),
            Ok(duration) => Ok(Self(duration)),
            Err(_) => Err(format!("\"{text}\" is not a duration; write a number and a unit, such as \"30s\"")),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

/// A guest user, `UID` or `UID:GID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id; the user id when not given.
    pub gid: u32,
}

impl FromStr for User {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (uid, gid) = text.split_once(':').unwrap_or((text, text));
        match (uid.parse(), gid.parse()) {
            (Ok(uid), Ok(gid)) => Ok(Self { uid, gid }),
            _ => Err(format!("\"{text}\" is not a user; write UID or UID:GID, such as \"1000:1000\"")),
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.uid, self.gid)
    }
}

/// Where a program may connect to, `HOST:PORT`; an IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// A name or an address.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not a target; write HOST:PORT, such as \"db.example.org:5432\"");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match inner {
            Some(address) if address.parse::<std::net::Ipv6Addr>().is_ok() => address,
            None if !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) => host,
            _ => return Err(wrong()),
        };
        match port.parse() {
            Ok(port @ 1..) => Ok(Self { host: host.to_owned(), port }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

macro_rules! as_text {
    ($($type:ty),+) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+};
}
as_text!(Size, Span, User, Target);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_back_as_they_are_printed() {
        for (text, bytes, printed) in [
            ("256MiB", 256 << 20, "256MiB"),
            ("1 GiB", 1 << 30, "1GiB"),
            ("1500 kB", 1_500_000, "1500000B"),
            ("512m", 512 << 20, "512MiB"),
            ("4096", 4096, "4KiB"),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, printed));
            assert_eq!(printed.parse(), Ok(size));
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "MiB", "1.5GiB", "12 parsecs", "-1", "99999999999999999999", "18446744073709551615KiB"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn durations_need_a_unit_and_a_length() {
        assert_eq!("30s".parse(), Ok(Span(Duration::from_secs(30))));
        assert_eq!("1m 30s".parse(), Ok(Span(Duration::from_secs(90))));
        for text in ["", "30", "0s", "soon"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_user_without_a_group_is_in_the_group_of_its_number() {
        assert_eq!("1000".parse(), Ok(User { uid: 1000, gid: 1000 }));
        assert_eq!("1:2".parse(), Ok(User { uid: 1, gid: 2 }));
        assert!("root".parse::<User>().is_err());
    }
}
