//! The standard library at work: threads, channels, locks, files, TCP, time, panics, arguments.
//! test: args one two
//! test: env GREETING=good_day
//! test: stdin a line

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, RwLock, mpsc};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, io, panic, process, thread};

fn main() -> io::Result<()> {
    println!("arguments {:?}", env::args().skip(1).collect::<Vec<_>>());
    println!("GREETING {:?}", env::var("GREETING"));
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    println!("stdin {line:?}");
    threads();
    files()?;
    sockets()?;
    times();
    panic::set_hook(Box::new(|_| ()));
    println!("caught {}", panic::catch_unwind(|| panic!("on purpose")).is_err());
    println!("thread panics {}", thread::spawn(|| panic!("in a thread")).join().is_err());
    println!("parallelism is known {}", thread::available_parallelism().is_ok());
    process::exit(17)
}

fn threads() {
    let (sender, receiver) = mpsc::channel();
    for number in 0..8u64 {
        let sender = sender.clone();
        thread::spawn(move || (0..100).for_each(|i| sender.send(number * i).expect("a receiver")));
    }
    drop(sender);
    println!("channel {}", receiver.iter().sum::<u64>());
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let map = Arc::new(RwLock::new(HashMap::new()));
    let count = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..8 {
            let (shared, map, count) = (shared.clone(), map.clone(), &count);
            scope.spawn(move || {
                let mut turn = shared.0.lock().expect("the lock");
                while *turn != number {
                    turn = shared.1.wait(turn).expect("the lock");
                }
                *turn += 1;
                shared.1.notify_all();
                map.write().expect("the lock").insert(number, number * number);
                count.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    println!("turns {:?} {}", map.read().expect("the lock").iter().collect::<BTreeMap<_, _>>(), count.into_inner());
}

fn files() -> io::Result<()> {
    let folder = env::temp_dir().join(format!("catalyzer-std-{}", process::id()));
    fs::create_dir_all(folder.join("a/b"))?;
    fs::write(folder.join("a/b/file"), "content\n".repeat(1000))?;
    fs::copy(folder.join("a/b/file"), folder.join("copy"))?;
    fs::rename(folder.join("copy"), folder.join("moved"))?;
    println!("length {}", fs::metadata(folder.join("moved"))?.len());
    println!("absent {:?}", fs::read(folder.join("absent")).map_err(|error| error.kind()));
    let mut names: Vec<_> =
        fs::read_dir(&folder)?.map(|entry| entry.map(|e| e.file_name())).collect::<Result<_, _>>()?;
    names.sort();
    println!("entries {names:?}");
    fs::remove_dir_all(&folder)?;
    println!("gone {}", !folder.exists());
    Ok(())
}

fn sockets() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = thread::spawn(move || -> io::Result<usize> {
        let mut bytes = 0;
        for stream in listener.incoming().take(3) {
            let mut stream = stream?;
            let mut text = String::new();
            BufReader::new(&stream).read_line(&mut text)?;
            bytes += text.len();
            stream.write_all(text.to_uppercase().as_bytes())?;
        }
        Ok(bytes)
    });
    for number in 0..3 {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        writeln!(stream, "request {number}")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        print!("answer {answer}");
    }
    println!("served {:?}", server.join().expect("the server")?);
    let (mut left, mut right) = UnixStream::pair()?;
    left.write_all(b"pair")?;
    drop(left);
    let mut text = String::new();
    right.read_to_string(&mut text)?;
    println!("{text}");
    Ok(())
}

fn times() {
    let start = Instant::now();
    thread::sleep(Duration::from_millis(10));
    println!("slept {}", start.elapsed() >= Duration::from_millis(10));
    println!(
        "after 2020 {}",
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|d| d.as_secs() > 1_577_836_800)
    );
    let (_sender, receiver) = mpsc::channel::<()>();
    println!("{:?}", receiver.recv_timeout(Duration::from_millis(5)));
}
