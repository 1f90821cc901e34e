//! Batches that must be refused: empty, too large, malformed, or naming addresses that lead into private networks. None of the
//! addresses here is ever fetched by a conformant target; each is loopback, private or reserved, with the discard port.

use serde_json::{Value, json};

use super::Area;
use super::batch::{BATCH, batch_of};
use crate::conformance::call::Call;
use crate::conformance::case::{Case, CaseResult, must};
use crate::conformance::context::Context;
use crate::conformance::image::{Look, garbage, png};

const CONTRACT: &str = "API.md: POST /batch/predict";
const SSRF: &str = "systems.md: fish, ml-worker; private addresses refused";
const PRIVATE: &[&str] = &["private-urls"];
const SCHEME: &[&str] = &["scheme-any"];
const MALFORMED: &[&str] = &["malformed-500", "problem-plain-text"];

pub(super) const AREA: Area = Area { feature: "batch", cases: CASES };

const CASES: &[Case] = &[
    must("batch.submit.empty-422", "An empty list of addresses is refused.", |cx| Box::pin(empty(cx)))
        .source(CONTRACT)
        .fails_on(&["empty-accepted"]),
    must("batch.submit.no-files-422", "A form without files is refused.", |cx| Box::pin(no_files(cx)))
        .source(CONTRACT)
        .fails_on(&["empty-accepted"]),
    must("batch.submit.65-refused", "A batch of 65 images is refused.", |cx| Box::pin(too_many(cx)))
        .source(CONTRACT)
        .fails_on(&["batch-unlimited"]),
    must("batch.submit.empty-file-400", "An empty file in a batch is refused.", |cx| Box::pin(empty_file(cx)))
        .source("API.md: bad-request")
        .fails_on(&["empty-accepted", "malformed-500"]),
    must("batch.submit.no-image-415", "A file that is no image by its bytes is refused with 415.", |cx| {
        Box::pin(no_image(cx))
    })
    .source("API.md: unsupported-media-type")
    .fails_on(&["type-unchecked"]),
    must("batch.submit.text-415", "A text body is refused with 415.", |cx| Box::pin(text_body(cx)))
        .source("RFC 9110 §15.5.16")
        .fails_on(&["problem-plain-text"]),
    must("batch.submit.no-json-400", "A body that is no JSON is refused.", |cx| Box::pin(no_json(cx)))
        .source("API.md: bad-request")
        .fails_on(MALFORMED),
    must("batch.submit.shape-400", "JSON of another shape is refused.", |cx| Box::pin(other_shapes(cx)))
        .source(CONTRACT)
        .fails_on(MALFORMED),
    must("batch.url.loopback", "Addresses of the machine itself are refused.", |cx| {
        Box::pin(refuses(cx, &["http://127.0.0.1:9/a.png", "http://127.8.8.8:9/a.png", "http://localhost:9/a.png"]))
    })
    .source(SSRF)
    .fails_on(PRIVATE),
    must("batch.url.loopback-spelt", "Nor do other spellings of the machine itself help.", |cx| {
        Box::pin(refuses(
            cx,
            &["http://2130706433:9/", "http://0x7f000001:9/", "http://0177.0.0.1:9/", "http://127.1:9/"],
        ))
    })
    .source(SSRF)
    .fails_on(PRIVATE),
    must("batch.url.loopback-v6", "The machine's IPv6 addresses are refused, IPv4 ones inside them too.", |cx| {
        Box::pin(refuses(cx, &["http://[::1]:9/a.png", "http://[::ffff:127.0.0.1]:9/a.png", "http://[::]:9/a.png"]))
    })
    .source(SSRF)
    .fails_on(PRIVATE),
    must("batch.url.metadata", "The address of cloud metadata is refused.", |cx| {
        Box::pin(refuses(cx, &["http://169.254.169.254:9/latest/meta-data", "http://[::ffff:169.254.169.254]:9/"]))
    })
    .source(SSRF)
    .fails_on(PRIVATE),
    must("batch.url.private", "Addresses of private networks are refused.", |cx| {
        Box::pin(refuses(
            cx,
            &["http://10.0.0.1:9/", "http://172.16.0.1:9/", "http://192.168.0.1:9/", "http://[fd00::1]:9/"],
        ))
    })
    .source(SSRF)
    .fails_on(PRIVATE),
    must("batch.url.unspecified", "The unspecified address is refused.", |cx| {
        Box::pin(refuses(cx, &["http://0.0.0.0:9/a.png", "http://0:9/a.png"]))
    })
    .source(SSRF)
    .fails_on(PRIVATE),
    must("batch.url.one-spoils-all", "One forbidden address among others refuses the whole batch.", |cx| {
        Box::pin(one_among_many(cx))
    })
    .source(CONTRACT)
    .fails_on(PRIVATE),
    must("batch.url.file-scheme", "file: is refused.", |cx| Box::pin(refuses(cx, &["file:///etc/passwd"])))
        .source(SSRF)
        .fails_on(SCHEME),
    must("batch.url.other-schemes", "Only http and https are followed.", |cx| {
        Box::pin(refuses(
            cx,
            &["ftp://images.invalid/a.png", "gopher://images.invalid/a", "data:image/png;base64,AAAA"],
        ))
    })
    .source(SSRF)
    .fails_on(SCHEME),
    must("batch.url.no-address", "Text that is no address is refused.", |cx| {
        Box::pin(refuses(cx, &["a.png", "/a.png", "http://", ""]))
    })
    .source(CONTRACT)
    .fails_on(SCHEME),
    must("batch.url.credentials", "An address with credentials is refused.", |cx| Box::pin(credentials(cx)))
        .source(CONTRACT)
        .fails_on(&["problem-plain-text"]),
];

async fn refused(cx: &Context, call: Call) -> CaseResult {
    cx.send(call).await?.problem(422, "unprocessable")
}

fn of_urls(urls: &[&str]) -> Call {
    Call::post(BATCH).json(&json!({ "image_urls": urls }))
}

/// Each address alone, so that none hides behind another.
async fn refuses(cx: &Context, urls: &[&str]) -> CaseResult {
    for url in urls {
        refused(cx, of_urls(&[url])).await?;
    }
    Ok(())
}

async fn one_among_many(cx: &Context) -> CaseResult {
    refused(cx, of_urls(&["http://images.invalid/a.png", "http://127.0.0.1:9/b.png"])).await
}

async fn credentials(cx: &Context) -> CaseResult {
    refused(cx, of_urls(&["http://user:word@images.invalid/a.png"])).await
}

async fn empty(cx: &Context) -> CaseResult {
    refused(cx, of_urls(&[])).await
}

async fn no_files(cx: &Context) -> CaseResult {
    refused(cx, batch_of(&[])).await
}

async fn too_many(cx: &Context) -> CaseResult {
    let images: Vec<Vec<u8>> = (0..65).map(|_| png(Look::Dark)).collect();
    refused(cx, batch_of(&images)).await
}

async fn empty_file(cx: &Context) -> CaseResult {
    cx.send(batch_of(&[png(Look::Red), Vec::new()])).await?.problem(400, "bad-request")
}

async fn no_image(cx: &Context) -> CaseResult {
    cx.send(batch_of(&[png(Look::Red), garbage()])).await?.problem(415, "unsupported-media-type")
}

async fn text_body(cx: &Context) -> CaseResult {
    let call = Call::post(BATCH).body("text/plain", "http://images.invalid/a.png");
    cx.send(call).await?.problem(415, "unsupported-media-type")
}

async fn no_json(cx: &Context) -> CaseResult {
    let call = Call::post(BATCH).body("application/json", "{\"image_urls\": [");
    cx.send(call).await?.problem(400, "bad-request")
}

async fn other_shapes(cx: &Context) -> CaseResult {
    let shapes: [Value; 5] =
        [json!([]), json!({}), json!({"image_urls": "a"}), json!({"image_urls": [1]}), json!({"image_urls": null})];
    for shape in shapes {
        let answer = cx.send(Call::post(BATCH).json(&shape)).await?;
        answer.problem_of(&[(400, "bad-request"), (422, "unprocessable")])?;
    }
    Ok(())
}
