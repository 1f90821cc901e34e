//! A reader of JSON tokens over bytes, with `RapidJSON`'s messages.

use std::borrow::Cow;

use super::JsonError;

/// Nesting of values nobody asked for; deeper is refused rather than recursed into.
const SKIP_DEPTH_MAX: usize = 64;

pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// A syntax error here.
    pub(super) fn syntax(&self, what: &str) -> JsonError {
        JsonError(format!("JSON Parse error: {what} at offset: {}", self.at))
    }

    /// The next byte that is no white space, without taking it.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    /// Takes the next byte if it is `wanted`.
    pub(super) fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// After a value in a list: `true` when another follows, `false` at the closing bracket, which is taken.
    pub(super) fn next_element(&mut self) -> Result<bool, JsonError> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(b']') => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.syntax("Missing a comma or ] after an array element.")),
        }
    }

    /// The next member's name within an object whose `{` is taken; `None` at the closing brace, which is taken.
    pub(super) fn next_name(&mut self, first: bool) -> Result<Option<Cow<'a, str>>, JsonError> {
        if self.eat(b'}') {
            return Ok(None);
        }
        if !first && !self.eat(b',') {
            return Err(self.syntax("Missing a comma or } after an object member."));
        }
        if self.peek() != Some(b'"') {
            return Err(self.syntax("Missing a name for object member."));
        }
        let name = self.string()?;
        if !self.eat(b':') {
            return Err(self.syntax("Missing a colon after a name of object member."));
        }
        Ok(Some(name))
    }

    /// Nothing but white space may follow.
    pub(super) fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.syntax("The document root must not be followed by other values.")),
        }
    }

    /// The string that starts here; borrowed when it has no escapes.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            match self.bytes.get(self.at) {
                None => return Err(self.syntax("Missing a closing quotation mark in string.")),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let raw = &self.bytes[start..self.at];
        let invalid = || JsonError(format!("JSON Parse error: Invalid encoding in string. at offset: {start}"));
        let text = std::str::from_utf8(raw).map_err(|_| invalid())?;
        if escaped || text.bytes().any(|byte| byte < 0x20) {
            return serde_json::from_str(text).map(Cow::Owned).map_err(|_| invalid());
        }
        Ok(Cow::Borrowed(&text[1..text.len() - 1]))
    }

    /// The number that starts here, as text: JSON's grammar, or `RapidJSON`'s words for what is not finite.
    pub(super) fn number(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        self.take(b'-');
        match self.bytes.get(self.at) {
            Some(b'N') if self.word("NaN") => return Ok("NaN"),
            Some(b'I') if self.word("Infinity") || self.word("Inf") => {
                return Ok(if self.bytes[start] == b'-' { "-inf" } else { "inf" });
            }
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.syntax("Invalid value.")),
        }
        if self.take(b'.') {
            self.some_digits("Miss fraction part in number.")?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.some_digits("Miss exponent in number.")?;
        }
        Ok(std::str::from_utf8(&self.bytes[start..self.at]).expect("digits, signs and points are ASCII"))
    }

    /// Passes over any value.
    pub(super) fn skip(&mut self) -> Result<(), JsonError> {
        self.skip_at(0)
    }

    /// The start of what comes next, for a message: 40 bytes at most, on one line.
    pub(super) fn excerpt(&mut self) -> String {
        self.peek();
        let rest = &self.bytes[self.at..];
        let text = String::from_utf8_lossy(&rest[..rest.len().min(40)]).replace(char::is_control, " ");
        if rest.len() > 40 { format!("{text}…") } else { text }
    }

    fn skip_at(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth > SKIP_DEPTH_MAX {
            return Err(self.syntax("Value is nested too deeply."));
        }
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'[') => self.skip_list(depth),
            Some(b'{') => self.skip_object(depth),
            Some(b't') if self.word("true") => Ok(()),
            Some(b'f') if self.word("false") => Ok(()),
            Some(b'n') if self.word("null") => Ok(()),
            _ => self.number().map(drop),
        }
    }

    fn skip_list(&mut self, depth: usize) -> Result<(), JsonError> {
        self.at += 1;
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            self.skip_at(depth + 1)?;
            if !self.next_element()? {
                return Ok(());
            }
        }
    }

    fn skip_object(&mut self, depth: usize) -> Result<(), JsonError> {
        self.at += 1;
        let mut first = true;
        while self.next_name(first)?.is_some() {
            self.skip_at(depth + 1)?;
            first = false;
        }
        Ok(())
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.bytes[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&wanted);
        self.at += usize::from(found);
        found
    }

    fn digits(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self, missing: &str) -> Result<(), JsonError> {
        let start = self.at;
        self.digits();
        if self.at == start { Err(self.syntax(missing)) } else { Ok(()) }
    }
}
