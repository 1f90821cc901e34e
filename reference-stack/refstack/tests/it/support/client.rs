//! A client that writes each answer down as text.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `404 not-found`, or only the status for an answer that is no problem.
    pub(crate) fn brief(&self) -> String {
        let body = self.json();
        match body["code"].as_str() {
            Some(code) => {
                assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
                assert_eq!(body["status"], self.status, "{self:?}");
                for member in ["type", "title", "detail", "instance"] {
                    assert!(body[member].is_string(), "{member} in {self:?}");
                }
                format!("{} {code}", self.status)
            }
            None => self.status.to_string(),
        }
    }
}

/// Speaks to one server.
#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    token: Option<String>,
    http: reqwest::Client,
}

impl Client {
    pub(crate) fn new(base: String, token: Option<String>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { base, token, http }
    }

    pub(crate) fn anonymous(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn upload(&self, file: Vec<u8>, patient: &str, key: Option<&str>) -> Answer {
        let form = reqwest::multipart::Form::new()
            .part("file", reqwest::multipart::Part::bytes(file).file_name("scan.png"))
            .text("patient_id", patient.to_owned());
        let mut request = self.request(Method::POST, "/api/v1/studies").multipart(form);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        self.send(request).await
    }

    /// Asks for `path` until `member` has one of the `words`.
    pub(crate) async fn until(&self, path: &str, member: &str, words: &[&str]) -> Value {
        loop {
            let answer = self.get(path).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let body = answer.json();
            if words.contains(&body[member].as_str().unwrap_or_default()) {
                return body;
            }
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn until_final(&self, id: &str) -> Value {
        let words = ["succeeded", "failed", "dead-lettered", "cancelled"];
        self.until(&format!("/api/v1/studies/{id}"), "state", &words).await
    }
}
