//! The proof that the table is exact: large structures of the ordinary collections are built on a heap,
//! copied elsewhere, relocated and used on while the old range crashes whoever touches it.

use super::*;
use crate::heap::guest_word::{ByteBox, GuestWord};
use crate::heap::tests::{Random, TestHeap, assert_all_free};
use core::cell::RefCell;
use std::boxed::Box;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, LinkedList, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::{Rc, Weak};
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;
use std::{format, vec};

trait Shape {
    fn area(&self) -> u64;
    fn grow(&mut self);
}

struct Square(u64);
struct Polygon(Vec<(u32, u32)>);

impl Shape for Square {
    fn area(&self) -> u64 {
        self.0 * self.0
    }
    fn grow(&mut self) {
        self.0 += 1;
    }
}

impl Shape for Polygon {
    fn area(&self) -> u64 {
        self.0.iter().map(|&(x, y)| u64::from(x % 100 * (y % 100))).sum()
    }
    fn grow(&mut self) {
        self.0.push((3, 4));
    }
}

#[derive(Hash)]
struct Node {
    name: String,
    parts: Vec<Option<Box<[u32; 5]>>>,
}

struct Member {
    number: u32,
    boss: RefCell<Weak<Member>>,
    reports: RefCell<Vec<Rc<Member>>>,
}

struct Link {
    value: u64,
    next: Option<Box<Link>>,
}

enum Mixed {
    Empty,
    Small(u8),
    Text(String),
    Pair(Box<u64>, Arc<str>),
}

/// Everything a kernel might keep, and guest-controlled words that look like pointers.
#[derive(Default)]
struct World {
    nodes: BTreeMap<u64, Box<Node>>,
    files: BTreeMap<String, Vec<u8>>,
    queue: VecDeque<(u32, Box<u32>)>,
    shapes: Vec<Box<dyn Shape>>,
    members: Vec<Rc<Member>>,
    chain: Option<Box<Link>>,
    list: LinkedList<String>,
    order: BinaryHeap<(u32, Box<u8>)>,
    set: BTreeSet<Vec<u8>>,
    mixed: Vec<Mixed>,
    names: Vec<&'static str>,
    functions: Vec<fn(&mut Random) -> usize>,
    registers: Vec<ByteBox<[u64; 20]>>,
    words: Vec<GuestWord>,
    /// Points one past the end of its own buffer's allocation.
    span: Option<(Vec<u64>, Range<*const u64>)>,
}

fn three(_: &mut Random) -> usize {
    3
}

fn text(random: &mut Random) -> String {
    let len = random.below(40);
    (0..len).map(|_| (b'a' + random.below(26) as u8) as char).collect()
}

fn mixed(random: &mut Random) -> Mixed {
    match random.below(4) {
        0 => Mixed::Empty,
        1 => Mixed::Small(random.next() as u8),
        2 => Mixed::Text(text(random)),
        _ => Mixed::Pair(Box::new(random.next() % 1000), Arc::from(text(random))),
    }
}

impl World {
    /// The same world for the same seed and size, wherever it is allocated. `hostile` is the value
    /// around which the guest-controlled words lie.
    fn build(seed: u64, size: usize, hostile: u64) -> Self {
        let mut world = Self::default();
        let random = &mut Random(seed);
        for _ in 0..size {
            world.extend(random, hostile);
        }
        let buffer = vec![7; 1000];
        let range = buffer.as_ptr_range();
        world.span = Some((buffer, range));
        world
    }

    fn extend(&mut self, random: &mut Random, hostile: u64) {
        let parts = (0..random.below(5)).map(|part| (part % 3 != 0).then(|| Box::new([part as u32; 5]))).collect();
        self.nodes.insert(random.next() % 1_000_000, Box::new(Node { name: text(random), parts }));
        let len = random.below(200);
        self.files.insert(text(random), vec![random.next() as u8; len]);
        self.queue.push_back((random.next() as u32 % 1000, Box::new(random.next() as u32)));
        if random.below(2) == 0 {
            self.queue.pop_front();
        }
        self.shapes.push(match random.below(2) {
            0 => Box::new(Square(random.next() % 1000)),
            _ => Box::new(Polygon(vec![(1, 2); random.below(6)])),
        });
        let boss = (!self.members.is_empty()).then(|| self.members[random.below(self.members.len())].clone());
        let member = Rc::new(Member {
            number: self.members.len() as u32,
            boss: RefCell::new(boss.as_ref().map(Rc::downgrade).unwrap_or_default()),
            reports: RefCell::default(),
        });
        if let Some(boss) = boss {
            boss.reports.borrow_mut().push(member.clone());
        }
        self.members.push(member);
        self.chain = Some(Box::new(Link { value: random.next() % 1000, next: self.chain.take() }));
        self.list.push_back(text(random));
        self.order.push((random.next() as u32 % 10_000, Box::new(1)));
        self.set.insert(text(random).into_bytes());
        self.mixed.push(mixed(random));
        self.names.push(["epoll", "pipe", ""][random.below(3)]);
        self.functions.push(three);
        self.registers.push(ByteBox::new([hostile + random.next() % 10_000; 20]));
        self.words.push(GuestWord::new(hostile + random.next() % 10_000 * 8));
    }

    /// Changes things all over the place.
    fn change(&mut self, random: &mut Random, hostile: u64) {
        for _ in 0..1000 {
            self.extend(random, hostile);
        }
        let mut index = 0;
        self.nodes.retain(|_, node| {
            index += 1;
            node.parts.push(Some(Box::new([index; 5])));
            index % 3 != 0
        });
        self.files.retain(|name, _| name.len() % 4 != 0);
        self.shapes.iter_mut().for_each(|shape| shape.grow());
        self.mixed.iter_mut().step_by(2).for_each(|item| *item = mixed(random));
        self.members.iter().step_by(5).for_each(|member| *member.boss.borrow_mut() = Weak::new());
        for _ in 0..500 {
            self.order.pop();
            self.list.pop_front();
            self.set.pop_first();
        }
    }

    /// Of everything, by walking all of it; independent of addresses.
    fn digest(&self, hostile: u64) -> u64 {
        let state = &mut DefaultHasher::new();
        self.nodes.hash(state);
        self.files.hash(state);
        self.queue.hash(state);
        self.shapes.iter().for_each(|shape| shape.area().hash(state));
        for member in &self.members {
            member.number.hash(state);
            member.boss.borrow().upgrade().map(|boss| boss.number).hash(state);
            member.reports.borrow().iter().for_each(|report| report.number.hash(state));
            (Rc::strong_count(member), Rc::weak_count(member)).hash(state);
        }
        let mut link = &self.chain;
        while let Some(next) = link {
            next.value.hash(state);
            link = &next.next;
        }
        self.list.hash(state);
        // The order inside depends on values only.
        self.order.iter().for_each(|item| item.hash(state));
        self.set.hash(state);
        for item in &self.mixed {
            match item {
                Mixed::Empty => 0.hash(state),
                Mixed::Small(value) => value.hash(state),
                Mixed::Text(text) => text.hash(state),
                Mixed::Pair(number, text) => (number, text).hash(state),
            }
        }
        self.names.hash(state);
        self.functions.iter().for_each(|function| function(&mut Random(0)).hash(state));
        for registers in &self.registers {
            registers.load().map(|register| register - hostile).hash(state);
        }
        self.words.iter().for_each(|word| (word.get() - hostile).hash(state));
        if let Some((buffer, range)) = &self.span {
            assert_eq!(buffer.as_ptr_range(), *range);
            buffer.hash(state);
        }
        state.finish()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A chain that long would overflow the stack if it were dropped recursively.
        let mut link = self.chain.take();
        while let Some(mut next) = link {
            link = next.next.take();
        }
    }
}

/// A heap at rest, with its relations and the offset of the world in it.
struct Image {
    bytes: Vec<u8>,
    base: u64,
    root: u64,
    heap_pointers: Vec<u32>,
}

fn heap_pointers(heap: &TestHeap) -> Vec<u32> {
    let mut offsets = Vec::new();
    for_each_heap_pointer(&heap.heap(), |offset| offsets.push(offset));
    offsets
}

/// Takes an image, then makes sure that nobody uses the original.
fn freeze(heap: &'static TestHeap, world: *mut World) -> Image {
    heap.heap().settle();
    let heap_pointers = heap_pointers(heap);
    let base = heap.heap().base();
    let image = Image { bytes: heap.image(), base, root: world.expose_provenance() as u64 - base, heap_pointers };
    heap.region().forbid();
    image
}

fn thaw(image: &Image) -> (&'static TestHeap, *mut World) {
    let heap = TestHeap::restore(&image.bytes, |base| {
        // SAFETY: the heap was just copied to `base` and nothing uses it yet.
        unsafe { relocate(base, image.bytes.len() as u64, image.base, &image.heap_pointers) }.unwrap();
    });
    assert_ne!(heap.heap().base(), image.base);
    assert_eq!(left_behind(&heap.heap(), image.base), None);
    assert_eq!(heap_pointers(heap), image.heap_pointers, "a second scan finds the same");
    let world = core::ptr::with_exposed_provenance_mut((heap.heap().base() + image.root) as usize);
    (heap, world)
}

fn create_world(size: usize) -> (&'static TestHeap, *mut World, u64) {
    let heap = TestHeap::create();
    // Guest words look like addresses in the middle of the heap.
    let hostile = heap.heap().base() + 0x1_0000;
    let world = heap.run(|| Box::into_raw(Box::new(World::build(1, size, hostile))));
    (heap, world, hostile)
}

#[test]
fn a_large_world_continues_at_any_base() {
    let (heap, world, hostile) = create_world(20_000);
    let mut twin = World::build(1, 20_000, hostile);
    let digest = twin.digest(hostile);
    // SAFETY: `world` is the live world of the heap in use, here and below.
    assert_eq!(unsafe { &*world }.digest(hostile), digest);
    let first = freeze(heap, world);
    assert!(first.heap_pointers.len() > 300_000, "{} relations", first.heap_pointers.len());
    assert!(first.heap_pointers.is_sorted());

    twin.change(&mut Random(2), hostile);
    let changed = twin.digest(hostile);
    let mut later = None;
    for _ in 0..3 {
        let (heap, world) = thaw(&first);
        // SAFETY: as above.
        let world = unsafe { &mut *world };
        assert_eq!(world.digest(hostile), digest);
        heap.run(|| world.change(&mut Random(2), hostile));
        assert_eq!(world.digest(hostile), changed);
        later = Some(freeze(heap, world));
    }

    // An image of a restored heap is as good; and all of it can be freed.
    let (heap, world) = thaw(&later.unwrap());
    // SAFETY: as above.
    assert_eq!(unsafe { &*world }.digest(hostile), changed);
    // SAFETY: as above; the box was made in `create_world`.
    heap.run(|| drop(unsafe { Box::from_raw(world) }));
    assert_all_free(&mut heap.heap());
}

unsafe extern "C" {
    static __executable_start: u8;
    static _end: u8;
}

#[test]
fn pointers_into_the_kernel_image_are_listed_apart() {
    let (heap, world, _) = create_world(300);
    let (start, end) = (&raw const __executable_start, &raw const _end);
    let mut offsets = Vec::new();
    for_each_kernel_pointer(&heap.heap(), start as u64..end as u64, |offset| offsets.push(offset));
    // SAFETY: the live world.
    let world = unsafe { &*world };
    let names = world.names.iter().filter(|name| !name.is_empty()).count();
    assert_eq!(offsets.len(), world.shapes.len() + world.functions.len() + names);
    let heap_offsets = heap_pointers(heap);
    assert!(offsets.iter().all(|offset| heap_offsets.binary_search(offset).is_err()));
}

#[test]
fn relations_encode_like_a_vector() {
    let (heap, _, _) = create_world(200);
    let streamed = postcard::to_allocvec(&HeapPointers(&heap.heap())).unwrap();
    assert_eq!(streamed, postcard::to_allocvec(&heap_pointers(heap)).unwrap());
    let none = KernelPointers { heap: &heap.heap(), kernel: 0..1 };
    assert_eq!(postcard::to_allocvec(&none).unwrap(), [0]);
}

#[test]
fn scanning_changes_nothing() {
    let (heap, _, _) = create_world(200);
    let before = heap.image();
    heap.run(|| {
        let mut count = 0;
        for_each_heap_pointer(&heap.heap(), |_| count += 1);
        assert!(count > 0);
    });
    assert!(heap.image() == before);
}

#[test]
fn relations_that_cannot_be_are_refused() {
    let mut words = [0x5000_0000_1000_u64, 0, 0x5000_0000_0010, 1];
    let base = words.as_mut_ptr().cast::<u8>();
    // SAFETY: `words` is 32 bytes long and ours.
    let relocate = |offsets: &[u32]| unsafe { relocate(base, 32, 0x5000_0000_0000, offsets) };
    assert_eq!(relocate(&[32]), Err(RelocateError::OutOfRange(32)));
    assert_eq!(relocate(&[u32::MAX]), Err(RelocateError::OutOfRange(u32::MAX)));
    assert_eq!(relocate(&[4]), Err(RelocateError::Unaligned(4)));
    assert_eq!(relocate(&[0]), Err(RelocateError::NotAPointer(0)));
    assert_eq!(relocate(&[16]), Ok(()));
    assert_eq!(relocate(&[16]), Err(RelocateError::NotAPointer(16)));
    assert_eq!(words[2], base.expose_provenance() as u64 + 16);
    assert_eq!(format!("{}", RelocateError::Unaligned(4)), "relation at 0x4 is not aligned");
}

#[test]
fn a_pointer_to_the_end_of_the_heap_is_a_relation() {
    let heap = TestHeap::create();
    let (len, base) = {
        let mut handle = heap.heap();
        handle.settle();
        (handle.len(), handle.base())
    };
    let words = heap.run(|| Box::leak(Box::new([0, base, base + len, base + len + 1, base - 1])));
    assert_eq!(heap.heap().len(), len);
    let start = (words.as_ptr().expose_provenance() as u64 - base) as u32;
    assert_eq!(heap_pointers(heap), [start + 8, start + 16]);
}
