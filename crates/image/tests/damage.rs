//! A damaged image is refused, by the name of the damaged part, and never makes us panic.

mod common;

use common::{KERNEL, sample};
use image::{Image, damage};
use std::fs;
use std::path::Path;

fn check(path: &Path) -> image::Result<()> {
    let image = Image::open(path, &KERNEL)?;
    image.verify()?;
    image.inspect()?;
    Ok(())
}

#[test]
fn every_damage_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("whole.img"), dir.path().join("damaged.img"));
    sample(&path);
    check(&path).unwrap();
    let cases = damage::cases(&path, &KERNEL).unwrap();
    assert!(cases.len() > 70, "{}", cases.len());
    for case in cases {
        case.apply(&path, &copy).unwrap();
        let Err(error) = check(&copy) else { panic!("{}: not noticed", case.what) };
        let message = error.to_string();
        assert!(message.contains(case.part), "{}: {message}", case.what);
        assert!(message.starts_with(copy.to_str().unwrap()), "{}: {message}", case.what);
        assert!(message.contains("catalyzer build"), "{}: {message}", case.what);
    }
}

#[test]
fn header_damage_is_noticed_at_every_boot() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("whole.img"), dir.path().join("damaged.img"));
    sample(&path);
    for case in damage::cases(&path, &KERNEL).unwrap() {
        case.apply(&path, &copy).unwrap();
        let truncated = fs::metadata(&copy).unwrap().len() != fs::metadata(&path).unwrap().len();
        if truncated || case.part == "header" {
            assert!(Image::open(&copy, &KERNEL).is_err(), "{}", case.what);
        }
    }
}

#[test]
fn each_byte_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("whole.img"), dir.path().join("damaged.img"));
    sample(&path);
    let whole = fs::read(&path).unwrap();
    // A prime step visits all residues of a page in time; zero pages and gaps are among them.
    for at in (0..whole.len()).step_by(2999) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&copy, &bytes).unwrap();
        assert!(check(&copy).is_err(), "byte {at}");
    }
}

#[test]
fn random_mutations_never_panic() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("whole.img"), dir.path().join("damaged.img"));
    sample(&path);
    let whole = fs::read(&path).unwrap();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..150 {
        let mut bytes = whole.clone();
        for _ in 0..=next(6) {
            let len = bytes.len();
            match next(5) {
                0 => bytes.truncate(next(len)),
                1 => bytes.extend(vec![next(256) as u8; next(9000)]),
                // Mostly near the front, where the structures are.
                2 if len > 8192 => bytes[next(8192)] = next(256) as u8,
                3 if len > 100 => {
                    let (from, to) = (next(len - 64), next(len - 64));
                    bytes.copy_within(from..from + 64, to);
                }
                _ if len > 0 => {
                    let at = next(len);
                    bytes[at] = next(256) as u8;
                }
                _ => (),
            }
        }
        fs::write(&copy, &bytes).unwrap();
        assert!(bytes == whole || check(&copy).is_err(), "round {round}");
    }
}

#[test]
fn things_that_are_no_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
        .unwrap();
    for path in [fifo.as_path(), dir.path(), Path::new("/dev/zero")] {
        let error = check(path).unwrap_err().to_string();
        assert!(error.contains("not a func-image"), "{error}");
    }
    let error = check(&dir.path().join("none.img")).unwrap_err().to_string();
    assert!(error.contains("none.img: cannot open"), "{error}");
}
