//! Multipart forms, written byte by byte: the same form is the same bytes, and a broken one can be made on purpose.

use super::call::Call;

/// Fixed, so that sending a form again sends the same bytes.
const BOUNDARY: &str = "proofload-conformance-7f3a9c";

/// A form in the making.
#[derive(Debug, Clone, Default)]
pub(super) struct Form {
    body: Vec<u8>,
}

impl Form {
    /// Adds a text field.
    pub(super) fn text(mut self, name: &str, value: &str) -> Self {
        self.open(&format!("form-data; name=\"{name}\""), None);
        self.body.extend_from_slice(value.as_bytes());
        self.body.extend_from_slice(b"\r\n");
        self
    }

    /// Adds a file.
    pub(super) fn file(mut self, name: &str, file_name: &str, bytes: &[u8]) -> Self {
        let content_type = match file_name.rsplit_once('.') {
            Some((_, "png")) => "image/png",
            Some((_, "jpg")) => "image/jpeg",
            _ => "application/octet-stream",
        };
        self.open(&format!("form-data; name=\"{name}\"; filename=\"{file_name}\""), Some(content_type));
        self.body.extend_from_slice(bytes);
        self.body.extend_from_slice(b"\r\n");
        self
    }

    /// Puts the finished form into a call.
    pub(super) fn post(mut self, path: &str) -> Call {
        self.body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        Call::post(path).body(&format!("multipart/form-data; boundary={BOUNDARY}"), self.body)
    }

    fn open(&mut self, disposition: &str, content_type: Option<&str>) {
        let content_type = content_type.map_or_else(String::new, |value| format!("Content-Type: {value}\r\n"));
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n{content_type}\r\n");
        self.body.extend_from_slice(head.as_bytes());
    }
}

/// Two bodies that say they are forms and are not: no part ever begins; a part never ends.
pub(super) fn broken_forms(path: &str, file_field: &str) -> [Call; 2] {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let open_end = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{file_field}\"; filename=\"a.png\"\r\n\r\n\u{1}half a fi"
    );
    [Call::post(path).body(&content_type, "this is no multipart body"), Call::post(path).body(&content_type, open_end)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_written_as_rfc_7578_says() {
        let call = Form::default().text("a", "1").file("f", "x.png", b"PNG").post("/p");
        let expected = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
            --B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\nPNG\r\n--B--\r\n";
        assert_eq!(String::from_utf8(call.body).unwrap(), expected.replace("--B", &format!("--{BOUNDARY}")));
    }
}
