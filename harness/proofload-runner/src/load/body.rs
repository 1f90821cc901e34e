//! Request bodies of known length: a head, shared file bytes, a tail. Files are never copied per request.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A body that yields its parts one after the other; its length is known, so Content-Length is sent.
#[derive(Debug, Clone, Default)]
pub(super) struct PartsBody {
    parts: VecDeque<Bytes>,
    left: u64,
}

impl PartsBody {
    /// A body of `parts` in order.
    pub(super) fn new(parts: impl IntoIterator<Item = Bytes>) -> Self {
        let parts: VecDeque<Bytes> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let left = parts.iter().map(|part| part.len() as u64).sum();
        Self { parts, left }
    }
}

impl Body for PartsBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = self.parts.pop_front();
        if let Some(part) = &part {
            self.left -= part.len() as u64;
        }
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// One field of a form.
pub(super) enum Field {
    /// A text field.
    Text {
        /// Field name.
        name: String,
        /// Its value.
        value: String,
    },
    /// A file.
    File {
        /// Field name.
        name: String,
        /// File name as sent.
        file_name: String,
        /// Media type.
        content_type: &'static str,
        /// Its bytes, shared.
        bytes: Bytes,
    },
}

/// A `multipart/form-data` body (RFC 7578) and its content type.
pub(super) fn multipart(fields: Vec<Field>, boundary: &str) -> (PartsBody, String) {
    let mut parts = Vec::with_capacity(fields.len() * 2 + 1);
    let mut first = true;
    for field in fields {
        let start = if first { "" } else { "\r\n" };
        first = false;
        match field {
            Field::Text { name, value } => parts.push(Bytes::from(format!(
                "{start}--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{value}",
                quoted(&name)
            ))),
            Field::File { name, file_name, content_type, bytes } => {
                parts.push(Bytes::from(format!(
                    "{start}--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {content_type}\r\n\r\n",
                    quoted(&name),
                    quoted(&file_name)
                )));
                parts.push(bytes);
            }
        }
    }
    parts.push(Bytes::from(format!("\r\n--{boundary}--\r\n")));
    (PartsBody::new(parts), format!("multipart/form-data; boundary={boundary}"))
}

/// Percent-encodes what would break out of a quoted name, as browsers do (WHATWG, multipart form data).
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[test]
    fn a_form_has_its_parts_in_order_and_a_known_length() {
        let fields = vec![
            Field::File {
                name: "file".to_owned(),
                file_name: "a\"b.png".to_owned(),
                content_type: "image/png",
                bytes: Bytes::from_static(b"PNG"),
            },
            Field::Text { name: "patient_id".to_owned(), value: "p-1".to_owned() },
        ];
        let (body, content_type) = multipart(fields, "XX");
        let length = body.size_hint().exact().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let text = runtime.block_on(async { body.collect().await.unwrap().to_bytes() });
        assert_eq!(length, text.len() as u64);
        assert_eq!(content_type, "multipart/form-data; boundary=XX");
        assert_eq!(
            String::from_utf8_lossy(&text),
            "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22b.png\"\r\nContent-Type: image/png\r\n\r\nPNG\
             \r\n--XX\r\nContent-Disposition: form-data; name=\"patient_id\"\r\n\r\np-1\r\n--XX--\r\n"
        );
    }
}
