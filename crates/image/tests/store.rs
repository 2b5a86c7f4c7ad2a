//! The store holds whole images that nobody changes.

mod common;

use common::{KERNEL, sample};
use image::{Error, Image, Store, damage};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

#[test]
fn imported_image_is_a_readable_copy_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello.img");
    sample(&path);
    let store = Store::at(&dir.path().join("store")).unwrap();
    let image = store.import(&path, &KERNEL).unwrap();
    assert!(store.owns(image.path()) && !store.owns(&path));
    let metadata = fs::metadata(image.path()).unwrap();
    assert_eq!(metadata.mode() & 0o777, 0o444);
    assert_ne!(metadata.ino(), fs::metadata(&path).unwrap().ino());
    let again = store.import(&path, &KERNEL).unwrap();
    assert_eq!(fs::metadata(again.path()).unwrap().ino(), metadata.ino());
    let own = store.import(image.path(), &KERNEL).unwrap();
    assert_eq!(own.path(), image.path());
    assert_eq!(store.ls(&KERNEL).unwrap().len(), 1);
    // The original may now change as it likes.
    fs::remove_file(&path).unwrap();
    image.verify().unwrap();
}

#[test]
fn damaged_image_does_not_enter() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("whole.img"), dir.path().join("damaged.img"));
    sample(&path);
    let store = Store::at(&dir.path().join("store")).unwrap();
    for case in damage::cases(&path, &KERNEL).unwrap() {
        case.apply(&path, &copy).unwrap();
        assert!(store.import(&copy, &KERNEL).is_err(), "{}", case.what);
    }
    assert_eq!(fs::read_dir(store.dir()).unwrap().count(), 0);
}

#[test]
fn damaged_copy_in_the_store_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello.img");
    sample(&path);
    let store = Store::at(&dir.path().join("store")).unwrap();
    let kept = store.import(&path, &KERNEL).unwrap().path().to_owned();
    let case = damage::cases(&path, &KERNEL).unwrap().into_iter().find(|case| case.part == "memory").unwrap();
    fs::remove_file(&kept).unwrap();
    case.apply(&path, &kept).unwrap();
    store.import(&path, &KERNEL).unwrap().verify().unwrap();
}

#[test]
fn listing_tells_what_cannot_be_used() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(&dir.path().join("store")).unwrap();
    sample(&store.path_of("b").unwrap());
    fs::write(store.path_of("a").unwrap(), b"no image").unwrap();
    fs::write(store.dir().join("notes.txt"), b"").unwrap();
    let entries = store.ls(&KERNEL).unwrap();
    let names: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.problem.is_some())).collect();
    assert_eq!(names, [("a", true), ("b", false)]);
    assert!(store.ls(&[1; 32]).unwrap()[1].problem.as_ref().unwrap().contains("guest kernel"));
}

#[test]
fn directory_that_others_may_write_to_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(Store::at(dir.path()), Err(Error::Store { .. })));
}

#[test]
fn names_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path()).unwrap();
    assert!(matches!(store.path_of("../x"), Err(Error::Name { .. })));
    let path = store.path_of("hello-python").unwrap();
    assert_eq!(path.file_name().unwrap(), "hello-python.img");
    sample(&path);
    Image::open(&path, &KERNEL).unwrap();
}
