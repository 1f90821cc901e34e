//! The load path against servers that behave badly: the subject is the runner, the neighbours are fakes.

#[cfg(test)]
mod abort;
#[cfg(test)]
mod bad_servers;
#[cfg(test)]
mod contracts;
mod cost;
#[cfg(test)]
mod driven;
#[cfg(test)]
mod flows;
#[cfg(test)]
#[cfg(feature = "goose")]
mod goose;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod pacing;
#[cfg(test)]
mod prometheus;
#[cfg(test)]
mod shards;
#[cfg(test)]
mod stall;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod uploads;
