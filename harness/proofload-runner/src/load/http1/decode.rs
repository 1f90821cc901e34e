//! Reads one answer out of the bytes of a connection, whatever pieces they come in (RFC 9112 §4, §6, §7.1). Pure.

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};

/// Largest head of an answer; a larger one is malformed.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most header fields of an answer.
const FIELDS_MAX: usize = 100;
/// Longest line of a chunk's size with its extensions, or of a trailer.
const CHUNK_LINE_BYTES_MAX: usize = 4 * 1024;

/// What a flow wants to see of an answer; the rest is counted and let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::load) struct Keep {
    /// The header fields.
    pub(in crate::load) head: bool,
    /// The content.
    pub(in crate::load) body: bool,
}

/// A whole answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::load) struct Answer {
    /// Status code.
    pub(in crate::load) status: u16,
    /// Content, if it was to be kept.
    pub(in crate::load) body: Bytes,
    /// Length of the content.
    pub(in crate::load) body_bytes: u64,
    head: Bytes,
}

impl Answer {
    /// An answer that another client has read; its fields are kept as HTTP/1.1 writes them.
    #[cfg(feature = "goose")]
    pub(in crate::load) fn of((status, fields): (u16, &http::HeaderMap), body: Bytes) -> Self {
        let mut head = format!("HTTP/1.1 {status} \r\n").into_bytes();
        for (name, value) in fields {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                head.extend_from_slice(part);
            }
        }
        head.extend_from_slice(b"\r\n");
        Self { status, body_bytes: body.len() as u64, body, head: Bytes::from(head) }
    }

    /// The value of a header field, by its lower-case name; only if the head was to be kept.
    pub(in crate::load) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut response = httparse::Response::new(&mut fields);
        response.parse(&self.head).ok()?;
        let field = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(field.value).ok()
    }
}

/// Why bytes are not an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Not HTTP/1, or not as its RFC says.
    Malformed,
    /// More content than anything a flow reads.
    TooLarge,
    /// The connection ended in the middle.
    CutOff,
}

/// How much of the answer is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// More bytes are needed.
    More,
    /// The answer is whole.
    Whole,
}

/// Reads one answer.
#[derive(Debug)]
pub(super) struct Decoder {
    keep: Keep,
    body_bytes_max: u64,
    to_head: bool,
    state: State,
    answer: Answer,
    kept: BytesMut,
    reusable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    /// So many bytes of content are to come.
    Length(u64),
    ChunkSize,
    /// So many bytes of the chunk, then its line end.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
    Whole,
}

impl Decoder {
    /// A decoder for the answer to one request; `to_head` where the method is HEAD, whose answer has no content.
    pub(super) fn new(keep: Keep, body_bytes_max: u64, to_head: bool) -> Self {
        Self {
            keep,
            body_bytes_max,
            to_head,
            state: State::Head,
            answer: Answer::default(),
            kept: BytesMut::new(),
            reusable: true,
        }
    }

    /// Takes what it can use out of `buffer`.
    ///
    /// # Errors
    /// [`Wrong`], after which the connection is of no use.
    pub(super) fn advance(&mut self, buffer: &mut BytesMut) -> Result<Progress, Wrong> {
        loop {
            let went_on = match self.state {
                State::Head => self.head(buffer)?,
                State::Length(left) => self.length(buffer, left)?,
                State::ChunkSize => self.chunk_size(buffer)?,
                State::Chunk(left) => self.chunk(buffer, left)?,
                State::ChunkEnd => self.chunk_end(buffer)?,
                State::Trailers => self.trailers(buffer)?,
                State::UntilClose => self.until_close(buffer)?,
                State::Whole => return Ok(Progress::Whole),
            };
            if !went_on {
                return Ok(Progress::More);
            }
        }
    }

    /// The connection has ended: an answer that lasts until then is whole, any other is cut off.
    pub(super) fn ended(&mut self) -> Result<(), Wrong> {
        self.reusable = false;
        match self.state {
            State::UntilClose | State::Whole => Ok(()),
            _ => Err(Wrong::CutOff),
        }
    }

    /// The answer, and whether the connection may carry another request. Bytes left over mean that it may not.
    pub(super) fn finish(mut self, left_over: usize) -> (Answer, bool) {
        if self.keep.body && self.answer.body.is_empty() {
            self.answer.body = self.kept.freeze();
        }
        (self.answer, self.reusable && left_over == 0)
    }

    fn head(&mut self, buffer: &mut BytesMut) -> Result<bool, Wrong> {
        // Not filled with empty fields first: that would cost more than reading a small head.
        let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
        let mut response = httparse::Response::new(&mut []);
        let parsed =
            httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, buffer, &mut fields);
        let length = match parsed {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if buffer.len() < HEAD_BYTES_MAX => return Ok(false),
            _ => return Err(Wrong::Malformed),
        };
        let status = response.code.ok_or(Wrong::Malformed)?;
        if status == 101 || status < 100 {
            // Nobody asked for another protocol.
            return Err(Wrong::Malformed);
        }
        if status < 200 {
            buffer.advance(length);
            return Ok(true);
        }
        let framing = Framing::of(&response)?;
        self.answer.status = status;
        self.reusable = framing.keep_alive;
        self.state = if self.to_head || status == 204 || status == 304 { State::Whole } else { framing.content };
        match self.state {
            State::Length(length) if length > self.body_bytes_max => return Err(Wrong::TooLarge),
            State::Length(0) => self.state = State::Whole,
            State::UntilClose => self.reusable = false,
            _ => {}
        }
        if self.keep.head {
            self.answer.head = Bytes::copy_from_slice(&buffer[..length]);
        }
        buffer.advance(length);
        Ok(true)
    }

    fn length(&mut self, buffer: &mut BytesMut, left: u64) -> Result<bool, Wrong> {
        let left = left - self.content(buffer, left)?;
        self.state = if left == 0 { State::Whole } else { State::Length(left) };
        Ok(left == 0)
    }

    fn chunk_size(&mut self, buffer: &mut BytesMut) -> Result<bool, Wrong> {
        let Some(line) = line_of(buffer)? else { return Ok(false) };
        let Ok(httparse::Status::Complete((_, size))) = httparse::parse_chunk_size(&line) else {
            return Err(Wrong::Malformed);
        };
        self.state = if size == 0 { State::Trailers } else { State::Chunk(size) };
        Ok(true)
    }

    fn chunk(&mut self, buffer: &mut BytesMut, left: u64) -> Result<bool, Wrong> {
        let left = left - self.content(buffer, left)?;
        self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
        Ok(left == 0)
    }

    fn chunk_end(&mut self, buffer: &mut BytesMut) -> Result<bool, Wrong> {
        if buffer.len() < 2 {
            return Ok(false);
        }
        if &buffer[..2] != b"\r\n" {
            return Err(Wrong::Malformed);
        }
        buffer.advance(2);
        self.state = State::ChunkSize;
        Ok(true)
    }

    fn trailers(&mut self, buffer: &mut BytesMut) -> Result<bool, Wrong> {
        let Some(line) = line_of(buffer)? else { return Ok(false) };
        if line.as_ref() == b"\r\n" {
            self.state = State::Whole;
        }
        Ok(true)
    }

    fn until_close(&mut self, buffer: &mut BytesMut) -> Result<bool, Wrong> {
        self.content(buffer, u64::MAX)?;
        Ok(false)
    }

    /// Takes up to `most` bytes of content; says how many.
    fn content(&mut self, buffer: &mut BytesMut, most: u64) -> Result<u64, Wrong> {
        let taken = usize::try_from(most).unwrap_or(usize::MAX).min(buffer.len());
        self.answer.body_bytes += taken as u64;
        if self.answer.body_bytes > self.body_bytes_max {
            return Err(Wrong::TooLarge);
        }
        if self.keep.body {
            self.kept.extend_from_slice(&buffer[..taken]);
        }
        buffer.advance(taken);
        Ok(taken as u64)
    }
}

/// What the header fields say of the content and of the connection.
struct Framing {
    content: State,
    keep_alive: bool,
}

impl Framing {
    /// RFC 9112 §6.3: Transfer-Encoding goes before Content-Length, and two lengths that differ are an error.
    fn of(response: &httparse::Response<'_, '_>) -> Result<Self, Wrong> {
        let mut keep_alive = response.version == Some(1);
        let (mut length, mut chunked, mut coded) = (None, false, false);
        for field in response.headers.iter() {
            let is = |name: &str| field.name.eq_ignore_ascii_case(name);
            if is("content-length") {
                let value = decimal(field.value)?;
                if length.is_some_and(|earlier| earlier != value) {
                    return Err(Wrong::Malformed);
                }
                length = Some(value);
            } else if is("transfer-encoding") {
                coded = true;
                chunked = last_word(field.value).eq_ignore_ascii_case(b"chunked");
            } else if is("connection") {
                let has = |word: &str| {
                    field
                        .value
                        .split(|byte| *byte == b',')
                        .any(|part| part.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
                };
                keep_alive = !has("close") && (keep_alive || has("keep-alive"));
            }
        }
        let content = match (coded, chunked, length) {
            (true, true, _) => State::ChunkSize,
            (true, false, _) | (false, _, None) => State::UntilClose,
            (false, _, Some(length)) => State::Length(length),
        };
        // Both at once is how requests are smuggled (RFC 9112 §6.1); such a connection is not used again.
        Ok(Self { content, keep_alive: keep_alive && !(coded && length.is_some()) })
    }
}

fn decimal(value: &[u8]) -> Result<u64, Wrong> {
    let text = std::str::from_utf8(value.trim_ascii()).map_err(|_| Wrong::Malformed)?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Wrong::Malformed);
    }
    text.parse().map_err(|_| Wrong::Malformed)
}

fn last_word(value: &[u8]) -> &[u8] {
    value.rsplit(|byte| *byte == b',').next().unwrap_or_default().trim_ascii()
}

/// The next line with its end, once it is whole.
fn line_of(buffer: &mut BytesMut) -> Result<Option<BytesMut>, Wrong> {
    match buffer.iter().take(CHUNK_LINE_BYTES_MAX).position(|byte| *byte == b'\n') {
        Some(end) => Ok(Some(buffer.split_to(end + 1))),
        None if buffer.len() >= CHUNK_LINE_BYTES_MAX => Err(Wrong::Malformed),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Keep = Keep { head: true, body: true };

    /// Reads `bytes` in pieces of `piece` and tells what came of it.
    fn read(bytes: &str, piece: usize, to_head: bool) -> String {
        let mut decoder = Decoder::new(KEEP, 1000, to_head);
        let mut buffer = BytesMut::new();
        for part in bytes.as_bytes().chunks(piece) {
            buffer.extend_from_slice(part);
            match decoder.advance(&mut buffer) {
                Err(wrong) => return format!("{wrong:?}"),
                Ok(Progress::Whole | Progress::More) => {}
            }
        }
        if decoder.state != State::Whole
            && let Err(wrong) = decoder.ended()
        {
            return format!("{wrong:?}");
        }
        let (answer, reusable) = decoder.finish(buffer.len());
        let after = if reusable { "reusable" } else { "closed" };
        format!("{} {:?} {after}", answer.status, String::from_utf8_lossy(&answer.body))
    }

    /// The same in every cut of the bytes.
    fn check(bytes: &str, expected: &str) {
        for piece in 1..=bytes.len() {
            assert_eq!(read(bytes, piece, false), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn content_ends_as_the_rfc_says() {
        check("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "200 \"hello\" reusable");
        check("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "200 \"\" reusable");
        check("HTTP/1.1 204 No\r\n\r\n", "204 \"\" reusable");
        check("HTTP/1.1 304 Not\r\ncontent-length: 9\r\n\r\n", "304 \"\" reusable");
        check("HTTP/1.1 200 OK\r\n\r\nuntil the end", "200 \"until the end\" closed");
        check("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", "200 \"ok\" closed");
        check("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\ncontent-length: 2\r\n\r\nok", "200 \"ok\" reusable");
        check("HTTP/1.1 200 OK\r\nConnection: upgrade, close\r\ncontent-length: 2\r\n\r\nok", "200 \"ok\" closed");
    }

    #[test]
    fn chunks_are_put_together() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        check(&format!("{head}5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n"), "200 \"hello world\" reusable");
        check(&format!("{head}5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n"), "200 \"hello\" reusable");
        check(&format!("{head}5\r\nhelloXX"), "Malformed");
        check(&format!("{head}5\r\nhel"), "CutOff");
        check(&format!("{head}zz\r\n"), "Malformed");
    }

    #[test]
    fn interim_answers_are_passed_over() {
        check(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 201 OK\r\ncontent-length: 1\r\n\r\nx",
            "201 \"x\" reusable",
        );
        check("HTTP/1.1 101 Switching\r\n\r\n", "Malformed");
    }

    #[test]
    fn what_could_be_read_two_ways_is_not_reused_or_refused() {
        let both = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        check(both, "200 \"ok\" closed");
        check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok", "Malformed");
        check("HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok", "Malformed");
        check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok", "200 \"ok\" reusable");
    }

    #[test]
    fn what_is_no_answer_is_malformed() {
        check("SSH-2.0-OpenSSH_9.2\r\n\r\n", "Malformed");
        check("HTTP/1.1 20", "CutOff");
        check("\r\n", "CutOff");
    }

    #[test]
    fn a_head_has_no_content() {
        assert_eq!(read("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", 7, true), "200 \"\" reusable");
    }

    #[test]
    fn too_much_content_is_refused_before_it_is_read() {
        check("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n", "TooLarge");
        let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1001));
        assert_eq!(read(&endless, 100, false), "TooLarge");
    }

    #[test]
    fn bytes_after_an_answer_close_the_connection() {
        assert_eq!(read("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1", 100, false), "200 \"ok\" closed");
    }

    #[test]
    fn a_header_is_found_by_its_name() {
        let mut decoder = Decoder::new(KEEP, 1000, false);
        let mut buffer = BytesMut::from("HTTP/1.1 202 OK\r\nLocation: /jobs/1\r\ncontent-length: 0\r\n\r\n");
        decoder.advance(&mut buffer).unwrap();
        let (answer, _) = decoder.finish(0);
        assert_eq!((answer.header("location"), answer.header("etag")), (Some("/jobs/1"), None));
    }
}
