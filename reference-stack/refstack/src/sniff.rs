//! What a file is, told from its first bytes and never from its name.

/// Bytes needed before the answer is certain: DICOM writes its mark after a 128-byte preamble.
pub(crate) const SNIFF_BYTES: usize = 132;

/// A kind of image this stack takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageKind {
    /// Portable Network Graphics.
    Png,
    /// JPEG, any flavour.
    Jpeg,
    /// A DICOM part 10 file.
    Dicom,
}

/// The kind that `head`, the first [`SNIFF_BYTES`] of a file or all of a shorter one, starts with.
pub(crate) fn image_kind(head: &[u8]) -> Option<ImageKind> {
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(ImageKind::Png);
    }
    if head.starts_with(b"\xff\xd8\xff") {
        return Some(ImageKind::Jpeg);
    }
    (head.get(128..SNIFF_BYTES) == Some(b"DICM")).then_some(ImageKind::Dicom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_bytes_decide() {
        let mut dicom = vec![0; 128];
        dicom.extend_from_slice(b"DICM");
        let rows: [(&[u8], Option<ImageKind>); 8] = [
            (b"\x89PNG\r\n\x1a\nrest", Some(ImageKind::Png)),
            (b"\xff\xd8\xff\xe0", Some(ImageKind::Jpeg)),
            (&dicom, Some(ImageKind::Dicom)),
            (&dicom[..131], None),
            (b"\x89PNG", None),
            (b"GIF89a", None),
            (b"%PDF-1.7", None),
            (b"", None),
        ];
        for (head, expected) in rows {
            assert_eq!(image_kind(head), expected, "{head:?}");
        }
    }
}
