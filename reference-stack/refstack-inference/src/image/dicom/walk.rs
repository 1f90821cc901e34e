//! A walk over a DICOM file's element headers before the real parser sees it.
//!
//! dicom-rs 0.10 reserves memory for whatever length an element declares, 4 GB at most, and recurses into nested sequences. This walk refuses a
//! length that runs past the file or the sequence around it, and nesting deeper than [`DEPTH_MAX`]. It knows the uncompressed headers only, which
//! is why deflated files are refused.

use super::super::Refusal;

/// Sequences and items open at once; a radiograph has two or three.
const DEPTH_MAX: usize = 32;
const UNDEFINED: u32 = u32::MAX;
const PIXEL_DATA: (u16, u16) = (0x7FE0, 0x0010);

/// Value representations with a length of 32 bits, after two bytes of padding.
const LONG: [&[u8; 2]; 13] =
    [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];
/// Value representations with a length of 16 bits.
const SHORT: [&[u8; 2]; 21] = [
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS",
    b"ST", b"TM", b"UI", b"UL", b"US",
];

/// The transfer syntax named in the file's head, with the offset of the data set behind it.
pub(super) fn head(bytes: &[u8]) -> Result<(String, usize), Refusal> {
    let mut walk = Walk { bytes, at: 132, explicit: true, open: Vec::new() };
    let broken = |why: &str| format!("the DICOM header cannot be read: {why}");
    let length = walk.element().map_err(|why| broken(&why))?;
    if length.tag != (2, 0) || length.len != 4 {
        return Err(broken("it does not begin with its length"));
    }
    let declared = u32::from_le_bytes([0, 1, 2, 3].map(|i| bytes[length.start + i])) as usize;
    let mut syntax = None;
    while bytes.get(walk.at..walk.at + 2) == Some(&[2, 0]) {
        let element = walk.element().map_err(|why| broken(&why))?;
        if element.tag == (2, 0x10) {
            let text = String::from_utf8_lossy(&bytes[element.start..element.start + element.len]);
            syntax = Some(text.trim_end_matches(['\0', ' ']).to_owned());
        }
    }
    // The parser believes the declared length; where it errs, this walk and the parser would read different elements.
    if walk.at - (length.start + 4) != declared {
        return Err(broken("its declared length is wrong"));
    }
    let syntax = syntax.ok_or_else(|| broken("it names no transfer syntax"))?;
    Ok((syntax, walk.at))
}

/// Checks every length from `start` to the end.
pub(super) fn check(bytes: &[u8], start: usize, explicit: bool) -> Result<(), Refusal> {
    let mut walk = Walk { bytes, at: start, explicit, open: Vec::new() };
    while walk.at < bytes.len() {
        walk.element().map_err(|why| format!("the DICOM file is broken: {why}"))?;
        walk.leave();
    }
    Ok(())
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    explicit: bool,
    open: Vec<Frame>,
}

/// An open sequence, item or run of fragments.
struct Frame {
    /// Where it ends; `None` when a delimiter ends it.
    end: Option<usize>,
    /// Whether its items hold bytes rather than elements.
    fragments: bool,
}

struct Element {
    tag: (u16, u16),
    start: usize,
    len: usize,
}

impl Walk<'_> {
    /// Passes one header, and its value unless that is a sequence or item to be entered.
    fn element(&mut self) -> Result<Element, String> {
        let [g0, g1, e0, e1] = self.take()?;
        let tag = (u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
        let (vr, len) = self.header(tag)?;
        let start = self.at;
        match tag {
            (0xFFFE, 0xE00D | 0xE0DD) => self.close()?,
            _ if len == UNDEFINED => self.enter(tag, vr, None)?,
            _ => {
                let end = self.end_of(tag, len)?;
                if self.is_entered(tag, vr, end) {
                    self.enter(tag, vr, Some(end))?;
                } else {
                    self.at = end;
                }
            }
        }
        Ok(Element { tag, start, len: len as usize })
    }

    /// The value representation, where the syntax has one, and the length.
    fn header(&mut self, tag: (u16, u16)) -> Result<(Option<[u8; 2]>, u32), String> {
        if !self.explicit || tag.0 == 0xFFFE {
            return Ok((None, u32::from_le_bytes(self.take()?)));
        }
        let [v0, v1, l0, l1] = self.take()?;
        let vr = [v0, v1];
        if LONG.contains(&&vr) {
            return Ok((Some(vr), u32::from_le_bytes(self.take()?)));
        }
        if SHORT.contains(&&vr) {
            return Ok((Some(vr), u16::from_le_bytes([l0, l1]).into()));
        }
        Err(format!("the value representation at offset {} is unknown", self.at - 4))
    }

    /// Where a value of `len` bytes ends, if that is within all that is around it.
    fn end_of(&self, tag: (u16, u16), len: u32) -> Result<usize, String> {
        let limit = self.open.iter().rev().find_map(|frame| frame.end).unwrap_or(self.bytes.len());
        let left = limit.saturating_sub(self.at);
        if len as usize > left {
            let (group, element) = tag;
            return Err(format!("element ({group:04X},{element:04X}) declares {len} bytes where {left} are left"));
        }
        Ok(self.at + len as usize)
    }

    fn is_entered(&self, tag: (u16, u16), vr: Option<[u8; 2]>, end: usize) -> bool {
        match (tag, vr) {
            ((0xFFFE, _), _) => !self.open.last().is_some_and(|frame| frame.fragments),
            (_, Some(vr)) => &vr == b"SQ",
            // Implicit syntaxes do not say what is a sequence; a value that starts with an item may be one.
            (_, None) => self.bytes[self.at..end].starts_with(&[0xFE, 0xFF, 0x00, 0xE0]),
        }
    }

    fn enter(&mut self, tag: (u16, u16), vr: Option<[u8; 2]>, end: Option<usize>) -> Result<(), String> {
        if end.is_none() && vr.is_some_and(|vr| &vr != b"SQ") && tag != PIXEL_DATA {
            return Err(format!("the value at offset {} has no length", self.at));
        }
        if self.open.len() == DEPTH_MAX {
            return Err(format!("sequences are nested deeper than {DEPTH_MAX}"));
        }
        self.open.push(Frame { end, fragments: tag == PIXEL_DATA });
        Ok(())
    }

    /// A delimiter ends the innermost sequence or item, which must be one that waits for it.
    fn close(&mut self) -> Result<(), String> {
        match self.open.pop() {
            Some(Frame { end: None, .. }) => Ok(()),
            _ => Err(format!("a delimiter at offset {} ends nothing", self.at - 8)),
        }
    }

    /// Leaves what ends here.
    fn leave(&mut self) {
        while self.open.last().is_some_and(|frame| frame.end == Some(self.at)) {
            self.open.pop();
        }
    }

    fn take(&mut self) -> Result<[u8; 4], String> {
        let next = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk);
        let taken = *next.ok_or_else(|| format!("it ends within an element, at offset {}", self.at))?;
        self.at += 4;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQUENCE: &[u8] = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff";
    const ITEM: &[u8] = b"\xfe\xff\0\xe0\xff\xff\xff\xff";
    const END_ITEM: &[u8] = b"\xfe\xff\x0d\xe0\0\0\0\0";
    const END_SEQUENCE: &[u8] = b"\xfe\xff\xdd\xe0\0\0\0\0";
    const ROWS: &[u8] = b"\x28\0\x10\0US\x02\0\x40\0";

    fn said(parts: &[&[u8]]) -> String {
        check(&parts.concat(), 0, true).map_or_else(|why| why, |()| "fine".to_owned())
    }

    #[test]
    fn sequences_open_and_close() {
        assert_eq!(said(&[]), "fine");
        assert_eq!(said(&[ROWS, SEQUENCE, ITEM, ROWS, END_ITEM, END_SEQUENCE, ROWS]), "fine");
        let sized: &[u8] = b"\x08\0\x40\x11SQ\0\0\x12\0\0\0\xfe\xff\0\xe0\x0a\0\0\0";
        assert_eq!(said(&[sized, ROWS, ROWS]), "fine");
        assert_eq!(said(&[END_ITEM]), "the DICOM file is broken: a delimiter at offset 0 ends nothing");
    }

    #[test]
    fn lengths_stay_within_what_is_around_them() {
        let long: &[u8] = b"\x08\0\x18\0UN\0\0\0\0\0\x59";
        let expected = "the DICOM file is broken: element (0008,0018) declares 1493172224 bytes where 10 are left";
        assert_eq!(said(&[long, ROWS]), expected);
        let small: &[u8] = b"\x08\0\x40\x11SQ\0\0\x10\0\0\0\xfe\xff\0\xe0\x08\0\0\0";
        let expected = "the DICOM file is broken: element (0028,0010) declares 2 bytes where 0 are left";
        assert_eq!(said(&[small, ROWS, ROWS]), expected);
        assert_eq!(said(&[&ROWS[..6]]), "the DICOM file is broken: it ends within an element, at offset 4");
        let odd: &[u8] = b"\x28\0\x10\0ZZ\x02\0\x40\0";
        assert_eq!(said(&[odd]), "the DICOM file is broken: the value representation at offset 4 is unknown");
    }

    #[test]
    fn nesting_has_a_limit() {
        let deep = [SEQUENCE, ITEM].concat().repeat(100_000);
        assert_eq!(said(&[&deep]), "the DICOM file is broken: sequences are nested deeper than 32");
    }
}
