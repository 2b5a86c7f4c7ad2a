//! The ways an instance comes to be.

use std::fmt;
use std::str::FromStr;

/// How an instance is booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BootKind {
    /// The program is started and initialises.
    Scratch,
    /// From the image, into a sandbox made on the spot.
    Cold,
    /// From the image, into a zygote.
    Warm,
    /// By `sfork` of a template.
    Fork,
    /// By waking an instance that was cloned ahead.
    Spare,
}

impl BootKind {
    /// All kinds, slowest first.
    pub const ALL: [Self; 5] = [Self::Scratch, Self::Cold, Self::Warm, Self::Fork, Self::Spare];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scratch => "scratch",
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::Fork => "fork",
            Self::Spare => "spare",
        }
    }
}

impl fmt::Display for BootKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for BootKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("\"{text}\" is no kind of boot; there are {names}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for kind in BootKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("hot".parse::<BootKind>().is_err());
    }
}
