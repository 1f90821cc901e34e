//! Uploads through the real server: what is taken, what is refused, and that nothing half-done is left.

use reqwest::Method;
use reqwest::multipart::{Form, Part};

use crate::support::{Answer, Setup, TestSystem, png};

const STUDIES: &str = "/api/v1/studies";

fn file(bytes: Vec<u8>) -> Part {
    Part::bytes(bytes).file_name("scan")
}

async fn send(system: &TestSystem, form: Form) -> Answer {
    system.client.send(system.client.request(Method::POST, STUDIES).multipart(form)).await
}

async fn check(system: &TestSystem, name: &str, form: Form, expected: &str) {
    let answer = send(system, form).await;
    assert_eq!(answer.brief(), expected, "{name}: {answer:?}");
}

#[tokio::test]
async fn an_upload_is_taken_and_told() {
    let system = TestSystem::start(Setup::medical()).await;
    let answer = system.client.upload(png("x"), "p-1", None).await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.status, 202);
    assert_eq!(answer.text, format!(r#"{{"id":"{id}","state":"queued"}}"#));
    assert_eq!(answer.header("location"), format!("{STUDIES}/{id}"));
    assert_eq!(answer.header("retry-after"), "1");
    let study = system.client.get(answer.header("location")).await;
    assert_eq!(study.header("retry-after"), "1");
    let study = study.json();
    assert_eq!(
        (&study["state"], &study["patient_id"], &study["attempts"]),
        (&"queued".into(), &"p-1".into(), &0.into())
    );
    assert!(study["created_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn forms_are_refused_for_what_is_wrong_with_them() {
    let system = TestSystem::start(Setup::medical()).await;
    let good = || Form::new().text("patient_id", "p");
    let dicom = [vec![0; 128], b"DICM rest".to_vec()].concat();
    check(&system, "PNG", good().part("file", file(png("x"))), "202").await;
    check(&system, "JPEG", good().part("file", file(b"\xff\xd8\xff\xe0".to_vec())), "202").await;
    check(&system, "DICOM", good().part("file", file(dicom)), "202").await;
    check(&system, "file first", Form::new().part("file", file(png("x"))).text("patient_id", "p"), "202").await;
    check(&system, "more fields", good().text("note", "n").part("file", file(png("x"))), "202").await;
    check(&system, "no file", good(), "400 bad-request").await;
    check(&system, "no patient", Form::new().part("file", file(png("x"))), "400 bad-request").await;
    check(&system, "empty file", good().part("file", file(Vec::new())), "400 bad-request").await;
    let two = good().part("file", file(png("x"))).part("file", file(png("y")));
    check(&system, "two files", two, "400 bad-request").await;
    let long = Form::new().text("patient_id", "p".repeat(129)).part("file", file(png("x")));
    check(&system, "long patient", long, "400 bad-request").await;
    let wide = Form::new().text("patient_id", "é".repeat(128)).part("file", file(png("x")));
    check(&system, "128 wide characters", wide, "202").await;
    let empty = Form::new().text("patient_id", "").part("file", file(png("x")));
    check(&system, "empty patient", empty, "400 bad-request").await;
    let bytes = Form::new().part("patient_id", Part::bytes(vec![0xff])).part("file", file(png("x")));
    check(&system, "patient not text", bytes, "400 bad-request").await;
    let text = good().part("file", file(b"hello".to_vec()));
    check(&system, "text", text, "415 unsupported-media-type").await;
    let named = good().part("file", Part::bytes(b"hello".to_vec()).file_name("a.png").mime_str("image/png").unwrap());
    check(&system, "text named PNG", named, "415 unsupported-media-type").await;
}

#[tokio::test]
async fn nothing_is_left_of_a_refused_upload() {
    let system = TestSystem::start(Setup::medical()).await;
    let form = Form::new().part("file", file(png(&"x".repeat(400_000))));
    check(&system, "no patient", form, "400 bad-request").await;
    let form = Form::new().part("file", file(png(&"x".repeat(2_000_000)))).text("patient_id", "p");
    check(&system, "too large", form, "413 payload-too-large").await;
    let metrics = system.client.get("/metrics").await.text;
    assert!(metrics.contains(r#"refstack_jobs{state="queued"} 0"#), "{metrics}");
    // The half-written file is removed by a blocking task of its own.
    while !system.object_files().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn bodies_are_counted_as_they_come() {
    let system = TestSystem::start(Setup { body_bytes_max: 1000, ..Setup::medical() }).await;
    let fits = Form::new().text("patient_id", "p").part("file", file(png(&"x".repeat(300))));
    check(&system, "fits", fits, "202").await;
    for size in [2_000, 200_000, 20_000_000] {
        let form = Form::new().text("patient_id", "p").part("file", file(png(&"x".repeat(size))));
        check(&system, "announced", form, "413 payload-too-large").await;
        // A streamed part has no length, so the request goes out in chunks.
        let chunks = futures::stream::iter(vec![Ok::<_, std::io::Error>(png(&"x".repeat(size)))]);
        let form = Form::new()
            .text("patient_id", "p")
            .part("file", Part::stream(reqwest::Body::wrap_stream(chunks)).file_name("scan"));
        check(&system, "chunked", form, "413 payload-too-large").await;
    }
}

async fn raw(system: &TestSystem, content_type: &str, body: &str) -> String {
    let request = system.client.request(Method::POST, STUDIES).header("content-type", content_type);
    system.client.send(request.body(body.to_owned())).await.brief()
}

#[tokio::test]
async fn malformed_bodies_are_bad_requests() {
    let system = TestSystem::start(Setup::medical()).await;
    let form = "multipart/form-data; boundary=b";
    let part = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n\u{89}";
    for (content_type, body, expected) in [
        ("application/json", "{}", "415 unsupported-media-type"),
        ("image/png", "x", "415 unsupported-media-type"),
        ("multipart/mixed; boundary=b", "--b--", "415 unsupported-media-type"),
        ("multipart/form-data", "--b--", "400 bad-request"),
        ("multipart/form-data; boundary=", "--b--", "400 bad-request"),
        (form, "", "400 bad-request"),
        (form, "nonsense", "400 bad-request"),
        (form, "--b--", "400 bad-request"),
        (form, "--b\r\n", "400 bad-request"),
        (form, "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n", "400 bad-request"),
        (form, "--b\r\nnot a header\r\n\r\nx\r\n--b--", "400 bad-request"),
        (form, part, "400 bad-request"),
    ] {
        assert_eq!(raw(&system, content_type, body).await, expected, "{content_type}: {body:?}");
    }
    let untyped = system.client.request(Method::POST, STUDIES).body("x");
    assert_eq!(system.client.send(untyped).await.brief(), "415 unsupported-media-type");
}

#[tokio::test]
async fn defects_of_uploads_show() {
    let good = || Form::new().text("patient_id", "p").part("file", file(png("x")));
    let system = TestSystem::start(Setup { defects: &["upload-200", "location-missing"], ..Setup::medical() }).await;
    let answer = send(&system, good()).await;
    assert_eq!((answer.status, answer.header("location")), (200, ""));

    let system = TestSystem::start(Setup { defects: &["state-missing", "patient-optional"], ..Setup::medical() }).await;
    let answer = send(&system, Form::new().part("file", file(png("x")))).await;
    assert_eq!((answer.status, answer.json().get("state")), (202, None));

    let system = TestSystem::start(Setup { defects: &["type-unchecked", "empty-accepted"], ..Setup::medical() }).await;
    let form = || Form::new().text("patient_id", "p");
    check(&system, "text", form().part("file", file(b"text".to_vec())), "202").await;
    check(&system, "empty", form().part("file", file(Vec::new())), "202").await;

    let system = TestSystem::start(Setup { defects: &["accepted-not-durable"], ..Setup::medical() }).await;
    let answer = send(&system, good()).await;
    assert_eq!(answer.status, 202);
    assert_eq!(system.client.get(answer.header("location")).await.brief(), "404 not-found");

    let large = || {
        let chunks = futures::stream::iter(vec![Ok::<_, std::io::Error>(png(&"x".repeat(5000)))]);
        let part = Part::stream(reqwest::Body::wrap_stream(chunks)).file_name("scan");
        Form::new().text("patient_id", "p").part("file", part)
    };
    let announced = || Form::new().text("patient_id", "p").part("file", file(png(&"x".repeat(5000))));
    let small = Setup { body_bytes_max: 1000, ..Setup::medical() };
    let system = TestSystem::start(Setup { defects: &["body-limit-length-only"], ..small.clone() }).await;
    check(&system, "chunked", large(), "202").await;
    check(&system, "announced", announced(), "413 payload-too-large").await;
    let system = TestSystem::start(Setup { defects: &["body-unlimited"], ..small }).await;
    check(&system, "announced", announced(), "202").await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_nothing() {
    let system = TestSystem::start(Setup { disk_bytes: Some(250_000), ..Setup::medical() }).await;
    let image = || png(&"x".repeat(200_000));
    let first = system.client.upload(image(), "p", None).await;
    assert_eq!(first.status, 202);
    let second = system.client.upload(image(), "p", Some("key-1")).await;
    assert_eq!((second.brief().as_str(), second.header("retry-after")), ("503 unavailable", "1"));
    while system.object_files().len() > 1 {
        tokio::task::yield_now().await;
    }
    let metrics = system.client.get("/metrics").await.text;
    assert!(metrics.contains(r#"refstack_jobs{state="queued"} 1"#), "{metrics}");
    // What needs no space is still answered.
    assert_eq!(system.client.get(first.header("location")).await.status, 200);
}
