//! gRPC calls to a server of tonic's: messages in both directions, codes, metadata, deadlines.

use std::convert::Infallible;

use futures::future::BoxFuture;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proofload_core::evidence::RunRecord;
use proofload_core::judge::judge;
use proofload_core::scenario::Scenario;
use tokio::net::TcpListener;
use tonic::server::{Grpc, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::driven::{drive_at, get, scenario_of, total};
use crate::http2::{Behave, plain};

const PROTO: &str = r#"
    syntax = "proto3";
    package shop;
    import "money.proto";
    service Shop { rpc Order (Item) returns (Receipt); }
    message Item { string name = 1; int64 count = 2; }
    message Receipt { string id = 1; Money price = 2; bool paid = 3; }
"#;
const IMPORTED: &str = r#"syntax = "proto3"; package shop; message Money { int32 cents = 1; }"#;

#[derive(Clone, PartialEq, prost::Message)]
struct Item {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int64, tag = "2")]
    count: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Receipt {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(message, optional, tag = "2")]
    price: Option<Money>,
    #[prost(bool, tag = "3")]
    paid: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Money {
    #[prost(int32, tag = "1")]
    cents: i32,
}

/// A pie costs 250; there is no cake; a roast takes longer than anybody waits.
struct Order;

impl UnaryService<Item> for Order {
    type Response = Receipt;
    type Future = BoxFuture<'static, Result<Response<Receipt>, Status>>;

    fn call(&mut self, request: Request<Item>) -> Self::Future {
        Box::pin(async move {
            let buyer = request.metadata().get("x-buyer").and_then(|value| value.to_str().ok()).unwrap_or("nobody");
            let buyer = buyer.to_owned();
            let item = request.into_inner();
            match item.name.as_str() {
                "pie" => {
                    let cents = 250 * i32::try_from(item.count).unwrap();
                    let receipt = Receipt { id: format!("r-{buyer}"), price: Some(Money { cents }), paid: false };
                    let mut response = Response::new(receipt);
                    response.metadata_mut().insert("x-till", "3".parse().unwrap());
                    Ok(response)
                }
                "roast" => std::future::pending().await,
                other => Err(Status::not_found(format!("there is no {other}"))),
            }
        })
    }
}

/// Serves the shop; its port.
async fn shop() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: http::Request<Incoming>| async move {
                if request.uri().path() == "/ready" {
                    return Ok::<_, Infallible>(http::Response::new(tonic::body::Body::empty()));
                }
                assert_eq!(request.uri().path(), "/shop.Shop/Order");
                Ok(Grpc::new(ProstCodec::default()).unary(Order, request).await)
            });
            let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(http2.serve_connection(TokioIo::new(stream), service));
        }
    });
    port
}

/// Makes 20 calls of a flow and tells what came of them.
async fn call(steps: &str, rule: &str) -> (RunRecord, Scenario) {
    call_at(shop().await, steps, rule).await
}

async fn call_at(port: u16, steps: &str, rule: &str) -> (RunRecord, Scenario) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop.proto"), PROTO).unwrap();
    std::fs::write(folder.path().join("money.proto"), IMPORTED).unwrap();
    let load = "executor: constant-arrival-rate, rate: 20/s, for: 1s";
    let scenario = scenario_of(&format!("flows:\n  f:\n{steps}"), load, rule);
    let environment = format!(
        "systems: {{ s: {{ url: 'http://127.0.0.1:{port}', http: http2, grpc: 'http://localhost:{port}', ready: /ready }} }}"
    );
    (drive_at(&scenario, &environment, folder.path()).await, scenario)
}

async fn check(step: &str, rule: &str, expected: &str) {
    let (record, scenario) =
        call(&format!("    - grpc: {{ name: get, proto: shop.proto, call: shop.Shop/Order, {step} }}\n"), rule).await;
    let classes = &get(&record).error_classes;
    let classes: Vec<String> = classes.iter().map(|(class, times)| format!("{times} {class}")).collect();
    let answered = total(&record, |second| second.answered);
    let told = format!("{answered} answered, {} | {}", classes.join(", "), judge(&scenario, &record).verdict);
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_sent_and_its_answer_read_as_json() {
    let step = r#"message: '{"name": "pie", "count": 2}', metadata: { x-buyer: "b-{{iteration}}" },
        checks: [{ json: /price/cents, equals: "500" }, { json: /paid, equals: "false" }, { header: x-till, equals: "3" }, { json: /id, matches: "^r-b-[0-9]+$" }]"#;
    check(step, "{ sli: checks(get), max: 0% }", "20 answered,  | PASS").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_call_extracts_goes_into_the_next_message() {
    let steps = r#"    - grpc: { name: get, proto: shop.proto, call: shop.Shop/Order, message: '{"name": "pie", "count": "{{iteration}}"}', extract: { id: { json: /id } } }
    - grpc: { name: again, proto: shop.proto, call: shop.Shop/Order, message: '{"name": "pie", "count": 1}', metadata: { x-buyer: "{{id}}" }, checks: [{ json: /id, equals: r-r-nobody }] }
"#;
    let (record, scenario) = call(steps, "{ sli: checks(again), max: 0% }").await;
    assert_eq!(judge(&scenario, &record).verdict.to_string(), "PASS");
    assert_eq!(total(&record, |second| second.answered), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_is_not_expected_is_an_error() {
    let rule = "{ sli: errors(get), max: 10% }";
    check(r#"message: '{"name": "cake"}'"#, rule, "20 answered, 20 grpc NOT_FOUND | FAIL").await;
    check(r#"message: '{"name": "cake"}', expect: { code: NOT_FOUND }"#, rule, "20 answered,  | PASS").await;
    check(
        r#"message: '{"name": "pie", "count": 1}', expect: { code: NOT_FOUND }"#,
        rule,
        "20 answered, 20 grpc OK | FAIL",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_past_its_deadline_is_broken() {
    let (record, _) = call(
        "    - grpc: { name: get, proto: shop.proto, call: shop.Shop/Order, message: '{\"name\": \"roast\"}', timeout: 500ms }\n",
        "{ sli: errors(get), max: 10% }",
    )
    .await;
    assert_eq!(total(&record, |second| second.broken), 20, "{:?}", get(&record).error_classes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_does_not_fit_in_this_pass_is_not_sent() {
    let step = r#"message: '{"name": "pie", "count": "{{run}}"}'"#;
    check(step, "{ sli: errors(get), max: 10% }", "0 answered, 20 not-sent | FAIL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ok_without_exactly_one_message_is_an_error() {
    let told = |content: &'static [u8]| async move {
        let answer: Behave = match content {
            b"" => |_, respond, _| Box::pin(async move { answer_ok(respond, b"") }),
            b"\0\0\0\0\0" => |_, respond, _| Box::pin(async move { answer_ok(respond, b"\0\0\0\0\0") }),
            _ => |_, respond, _| Box::pin(async move { answer_ok(respond, b"\0\0\0\0\0\0\0\0\0\0") }),
        };
        let server = plain(100, answer).await;
        let steps = "    - grpc: { name: get, proto: shop.proto, call: shop.Shop/Order }\n";
        let (record, _) = call_at(server.port, steps, "{ sli: errors(get), max: 10% }").await;
        format!("{:?}", get(&record).error_classes)
    };
    assert_eq!(told(b"").await, r#"{"no whole message": 20}"#);
    assert_eq!(told(b"\0\0\0\0\0").await, "{}");
    assert_eq!(told(b"two").await, r#"{"no whole message": 20}"#);
}

/// Says that all is well, with this content.
fn answer_ok(mut respond: h2::server::SendResponse<bytes::Bytes>, content: &'static [u8]) {
    let head = http::Response::builder().header("content-type", "application/grpc");
    let trailers = http::HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
    let Ok(mut stream) = respond.send_response(head.body(()).unwrap(), false) else { return };
    let _ = stream.send_data(bytes::Bytes::from_static(content), false);
    let _ = stream.send_trailers(trailers);
}
