//! A target that swallows uploads and proves what it swallowed: of every multipart body with one file it counts the
//! file's bytes and hashes them. `GET /report` lists both for every upload that came whole. Two more uses:
//! `sink-server make FILE MIB` writes a payload that does not compress, `sink-server hash FILE` says what to expect.
//! Compiled and run by `memory.py`.

#[expect(dead_code, reason = "this target needs less of it")]
mod http;

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::sync::Mutex;

const BUFFER_BYTES: usize = 256 * 1024;

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", file, mebibytes] => make(file, mebibytes.parse().expect("a number of MiB")),
        ["hash", file] => hash_file(file),
        [] => sink(),
        _ => panic!("usage: sink-server [make FILE MIB | hash FILE]"),
    }
}

fn sink() -> io::Result<()> {
    let uploads = Mutex::new(Vec::<(u64, u64)>::new());
    http::serve(BUFFER_BYTES, move |head, connection| {
        if head.path == "/report" {
            let uploads = uploads.lock().expect("no holder of the lock panics");
            let lines: Vec<String> =
                uploads.iter().map(|(bytes, hash)| format!("[{bytes}, \"{hash:016x}\"]")).collect();
            return connection.reply("200 OK", "", &format!("[{}]", lines.join(", ")));
        }
        if head.path != "/put" {
            // Somebody looks whether the target is there; that is no upload.
            connection.body(head, |_| ())?;
            return connection.reply("404 Not Found", "", "");
        }
        let mut part = Part::new(head);
        connection.body(head, |piece| part.take(piece))?;
        uploads.lock().expect("no holder of the lock panics").push((part.hash.bytes, part.hash.end()));
        connection.reply("200 OK", "", "swallowed\n")
    })
}

/// The only part of a form: what lies between its own head and the closing boundary.
struct Part {
    head: Option<Vec<u8>>,
    /// Bytes of the body that were not seen yet, the closing boundary excluded.
    left: u64,
    hash: Hash,
}

impl Part {
    fn new(head: &http::Head) -> Self {
        let closing = head.boundary.as_ref().map_or(0, |boundary| boundary.len() + "\r\n----\r\n".len());
        let left = head.body_bytes.saturating_sub(closing as u64);
        Self { head: head.boundary.is_some().then(Vec::new), left, hash: Hash::default() }
    }

    fn take(&mut self, piece: &[u8]) {
        let piece = &piece[..piece.len().min(usize::try_from(self.left).unwrap_or(usize::MAX))];
        self.left -= piece.len() as u64;
        let Some(head) = &mut self.head else { return self.hash.add(piece) };
        head.extend_from_slice(piece);
        if let Some(at) = http::find(head, b"\r\n\r\n") {
            let content = head.split_off(at + 4);
            self.head = None;
            self.hash.add(&content);
        }
    }
}

/// FNV-1a over little-endian words of eight bytes with a final mix; the same however the bytes are cut.
#[derive(Default)]
struct Hash {
    state: u64,
    bytes: u64,
    word: [u8; 8],
    filled: usize,
}

impl Hash {
    fn add(&mut self, mut piece: &[u8]) {
        self.bytes += piece.len() as u64;
        while self.filled > 0 && !piece.is_empty() {
            self.push(piece[0]);
            piece = &piece[1..];
        }
        let mut words = piece.chunks_exact(8);
        for word in words.by_ref() {
            self.mix(u64::from_le_bytes(word.try_into().expect("chunks of eight")));
        }
        for byte in words.remainder() {
            self.push(*byte);
        }
    }

    fn push(&mut self, byte: u8) {
        self.word[self.filled] = byte;
        self.filled += 1;
        if self.filled == 8 {
            self.filled = 0;
            self.mix(u64::from_le_bytes(self.word));
        }
    }

    fn mix(&mut self, word: u64) {
        self.state = (self.state ^ word ^ 0xcbf2_9ce4_8422_2325).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
    }

    fn end(&self) -> u64 {
        let tail =
            self.word[..self.filled].iter().fold(self.bytes, |sum, byte| sum.wrapping_mul(257) + u64::from(*byte));
        (self.state ^ tail).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

fn make(file: &str, mebibytes: usize) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..mebibytes * (1 << 20) / 8 {
        // xorshift64 (Marsaglia 2003): no run of the file repeats.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.write_all(&state.to_le_bytes())?;
    }
    out.flush()
}

fn hash_file(file: &str) -> io::Result<()> {
    let (mut file, mut hash, mut buffer) = (File::open(file)?, Hash::default(), vec![0; 1 << 20]);
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.add(&buffer[..count]);
    }
    println!("{} {:016x}", hash.bytes, hash.end());
    Ok(())
}
