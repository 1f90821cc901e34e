//! Unary gRPC calls, checked. They travel as POST requests over HTTP/2 (gRPC over HTTP2, `PROTOCOL-HTTP2.md` of
//! grpc/grpc), so a call is a request whose body is a message.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Template;

/// A unary call: the body of a request to `/SERVICE/METHOD`.
#[derive(Debug, Clone)]
pub struct GrpcCall {
    /// The `.proto` file, relative to the scenario.
    pub proto: String,
    /// Full name of the service.
    pub service: String,
    /// Name of the method.
    pub method: String,
    /// The message as JSON text (`ProtoJSON`).
    pub message: Template,
    /// The code that is right.
    pub expect: Code,
}

/// The status codes of gRPC (`doc/statuscodes.md` of grpc/grpc); each counts as its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(rename = "GrpcCode")]
pub enum Code {
    /// 0
    Ok,
    /// 1
    Cancelled,
    /// 2
    Unknown,
    /// 3
    InvalidArgument,
    /// 4
    DeadlineExceeded,
    /// 5
    NotFound,
    /// 6
    AlreadyExists,
    /// 7
    PermissionDenied,
    /// 8
    ResourceExhausted,
    /// 9
    FailedPrecondition,
    /// 10
    Aborted,
    /// 11
    OutOfRange,
    /// 12
    Unimplemented,
    /// 13
    Internal,
    /// 14
    Unavailable,
    /// 15
    DataLoss,
    /// 16
    Unauthenticated,
}

impl Code {
    const ALL: [(Code, &'static str); 17] = [
        (Code::Ok, "OK"),
        (Code::Cancelled, "CANCELLED"),
        (Code::Unknown, "UNKNOWN"),
        (Code::InvalidArgument, "INVALID_ARGUMENT"),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
        (Code::NotFound, "NOT_FOUND"),
        (Code::AlreadyExists, "ALREADY_EXISTS"),
        (Code::PermissionDenied, "PERMISSION_DENIED"),
        (Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
        (Code::FailedPrecondition, "FAILED_PRECONDITION"),
        (Code::Aborted, "ABORTED"),
        (Code::OutOfRange, "OUT_OF_RANGE"),
        (Code::Unimplemented, "UNIMPLEMENTED"),
        (Code::Internal, "INTERNAL"),
        (Code::Unavailable, "UNAVAILABLE"),
        (Code::DataLoss, "DATA_LOSS"),
        (Code::Unauthenticated, "UNAUTHENTICATED"),
    ];

    /// The code of a `grpc-status`; a number that stands for none is `UNKNOWN`, as the protocol has it. `None` where it
    /// is no number.
    pub fn of(grpc_status: &str) -> Option<Self> {
        let number: usize = grpc_status.parse().ok()?;
        Some(Self::ALL.get(number).map_or(Code::Unknown, |(code, _)| *code))
    }

    /// Its name, such as `NOT_FOUND`.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_in_the_order_of_their_numbers() {
        for (number, (code, name)) in Code::ALL.iter().enumerate() {
            assert_eq!(*code as usize, number);
            assert_eq!(Code::of(&number.to_string()), Some(*code));
            let written: Code = serde_json::from_value(serde_json::json!(name)).unwrap();
            assert_eq!(written, *code);
        }
        assert_eq!((Code::of("99"), Code::of("x")), (Some(Code::Unknown), None));
    }
}
