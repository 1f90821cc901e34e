//! Forms of known length: text, shared file content, text. Files are never copied per request.

use bytes::{BufMut, BytesMut};

use super::exchange::Piece;

/// One field of a form.
pub(super) enum Field<'f> {
    /// A text field.
    Text {
        /// Field name.
        name: &'f str,
        /// Its value.
        value: String,
    },
    /// A file.
    File {
        /// Field name.
        name: &'f str,
        /// File name as sent.
        file_name: String,
        /// Media type.
        content_type: &'f str,
        /// Its content, shared.
        content: Vec<Piece>,
    },
}

/// A `multipart/form-data` body (RFC 7578) and its content type.
pub(super) fn multipart(fields: Vec<Field<'_>>, boundary: &str) -> (Vec<Piece>, String) {
    let mut pieces = Vec::with_capacity(fields.len() * 2 + 1);
    let mut text = BytesMut::new();
    let mut start = "";
    for field in fields {
        match field {
            Field::Text { name, value } => {
                let name = quoted(name);
                put(
                    &mut text,
                    &[
                        start,
                        "--",
                        boundary,
                        "\r\nContent-Disposition: form-data; name=\"",
                        &name,
                        "\"\r\n\r\n",
                        &value,
                    ],
                );
            }
            Field::File { name, file_name, content_type, content } => {
                let (name, file_name) = (quoted(name), quoted(&file_name));
                put(&mut text, &[start, "--", boundary, "\r\nContent-Disposition: form-data; name=\"", &name]);
                put(&mut text, &["\"; filename=\"", &file_name, "\"\r\nContent-Type: ", content_type, "\r\n\r\n"]);
                pieces.push(Piece::Bytes(text.split().freeze()));
                pieces.extend(content);
            }
        }
        start = "\r\n";
    }
    put(&mut text, &["\r\n--", boundary, "--\r\n"]);
    pieces.push(Piece::Bytes(text.freeze()));
    (pieces, format!("multipart/form-data; boundary={boundary}"))
}

fn put(into: &mut BytesMut, texts: &[&str]) {
    for text in texts {
        into.put_slice(text.as_bytes());
    }
}

/// Percent-encodes what would break out of a quoted name, as browsers do (WHATWG, multipart form data).
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_form_has_its_parts_in_order() {
        let fields = vec![
            Field::File {
                name: "file",
                file_name: "a\"b.png".to_owned(),
                content_type: "image/png",
                content: vec![Piece::Bytes(Bytes::from_static(b"PNG"))],
            },
            Field::Text { name: "patient_id", value: "p-1".to_owned() },
        ];
        let (pieces, content_type) = multipart(fields, "XX");
        let mut whole = Vec::new();
        for piece in &pieces {
            let Piece::Bytes(bytes) = piece else { panic!("no file was given") };
            whole.extend_from_slice(bytes);
        }
        assert_eq!(content_type, "multipart/form-data; boundary=XX");
        assert_eq!(
            String::from_utf8_lossy(&whole),
            "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22b.png\"\r\nContent-Type: image/png\r\n\r\nPNG\
             \r\n--XX\r\nContent-Disposition: form-data; name=\"patient_id\"\r\n\r\np-1\r\n--XX--\r\n"
        );
    }
}
