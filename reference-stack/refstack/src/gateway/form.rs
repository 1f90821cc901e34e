//! Reads multipart forms part by part, with limits on their number and on short fields.

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest as _, Multipart, Request};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::intake::Intake;
use super::problem::{Code, Problem};

/// Parts of one form; far above what any route takes, far below what would keep us busy.
const PARTS_MAX: u32 = 256;

/// A form that is arriving.
pub(crate) struct Form {
    multipart: Multipart,
    intake: Intake,
    parts: u32,
}

impl Form {
    /// Opens the form that a request carries.
    pub(crate) async fn open(request: Request) -> Result<Self, Problem> {
        if content_type(request.headers()).as_deref() != Some("multipart/form-data") {
            return Err(Problem::new(Code::UnsupportedMediaType, "send multipart/form-data"));
        }
        let intake = intake_of(&request);
        let multipart = Multipart::from_request(request, &())
            .await
            .map_err(|_| Problem::bad_request("the content type names no boundary"))?;
        Ok(Self { multipart, intake, parts: 0 })
    }

    /// The next part, if there is one.
    pub(crate) async fn next(&mut self) -> Result<Option<Part<'_>>, Problem> {
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return Err(Problem::bad_request(format!("the form has more than {PARTS_MAX} parts")));
        }
        let intake = self.intake.clone();
        match self.multipart.next_field().await {
            Ok(field) => Ok(field.map(|field| Part { field, intake })),
            Err(error) => Err(broken(&self.intake, &error)),
        }
    }
}

/// One part of a form.
pub(crate) struct Part<'f> {
    field: Field<'f>,
    intake: Intake,
}

impl Part<'_> {
    /// Its field name; empty when it has none.
    pub(crate) fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// The next bytes of it.
    pub(crate) async fn chunk(&mut self) -> Result<Option<bytes::Bytes>, Problem> {
        self.field.chunk().await.map_err(|error| broken(&self.intake, &error))
    }

    /// All of it as text, at most `bytes_max`.
    pub(crate) async fn text(mut self, bytes_max: usize) -> Result<String, Problem> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > bytes_max {
                return Err(Problem::bad_request(format!("field {:?} is too long", self.name())));
            }
        }
        let name = self.name().to_owned();
        String::from_utf8(bytes).map_err(|_| Problem::bad_request(format!("field {name:?} is not UTF-8 text")))
    }

    /// Reads past it.
    pub(crate) async fn skip(mut self) -> Result<(), Problem> {
        while self.chunk().await?.is_some() {}
        Ok(())
    }
}

/// The media type of a body in lower case, without parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// The intake that the edge put around a request.
pub(crate) fn intake_of(request: &Request) -> Intake {
    request.extensions().get::<Intake>().cloned().unwrap_or_default()
}

fn broken(intake: &Intake, error: &MultipartError) -> Problem {
    Problem::from_cause(intake.cause(), || {
        Problem::bad_request(format!("the multipart body is malformed ({})", error.body_text()))
    })
}
