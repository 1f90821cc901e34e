//! Keeps one connection up: queues declared, a channel to publish on, and a consumer where one is wanted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use lapin::options::{BasicConsumeOptions, BasicQosOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::uri::AMQPUri;
use lapin::{Acker, Channel, Connection, ConnectionProperties, Consumer, Event, Queue};
use tokio::sync::Notify;

use super::message::{self, dead_letters_of};
use crate::adapters::brokered::Incoming;
use crate::adapters::postgres::PgStore;
use crate::ports::queue::QueueName;

/// A peer that is gone without a word is noticed after two of these.
const HEARTBEAT_S: u16 = 10;
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(10);
/// Between tries to connect again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
const NOT_FOUND: u16 = 404;

/// How a queue is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum QueueKind {
    /// On several nodes that agree (`RabbitMQ` 3.8 and newer).
    Quorum,
    /// On one node.
    Classic,
}

/// A broker, and what for.
#[derive(Clone)]
pub struct Settings {
    /// `amqp://USER:PASSWORD@HOST:PORT/VHOST`
    pub url: String,
    /// How the queue is kept.
    pub kind: QueueKind,
    /// Deliveries that may be unacknowledged at once; none for a process that only publishes.
    pub prefetch: Option<u16>,
}

pub(super) struct Link {
    settings: Settings,
    uri: AMQPUri,
    queue: QueueName,
    /// Whose messages are carried.
    store: Arc<PgStore>,
    state: Mutex<State>,
    changed: Notify,
    arrived: Notify,
    /// The connection is to be made anew, queues included.
    renewed: Notify,
}

#[derive(Default)]
struct State {
    publisher: Option<Channel>,
    /// The broker is short of memory or disk and takes nothing.
    blocked: bool,
    deliveries: VecDeque<Incoming<Acker>>,
}

/// Everything open at the broker. What consumes has a connection of its own: while the broker is short of memory or disk it
/// reads nothing from those that publish, and acknowledgements are what gets it out of that.
pub(super) struct Session {
    publishing: Connection,
    publisher: Channel,
    consuming: Option<(Connection, Consumer)>,
}

impl Link {
    pub(super) async fn open(
        settings: Settings,
        queue: QueueName,
        store: Arc<PgStore>,
    ) -> Result<(Self, Session), String> {
        let mut uri: AMQPUri = settings.url.parse().map_err(|_| String::from("its address cannot be read"))?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        let state = Mutex::default();
        let [changed, arrived, renewed] = [(); 3].map(|()| Notify::new());
        let link = Self { settings, uri, queue, store, state, changed, arrived, renewed };
        let first = link.connect().await?;
        Ok((link, first))
    }

    /// Never ends: a connection that ends is followed by another.
    pub(super) async fn keep_up(self: Arc<Self>, first: Session) {
        let mut next = Some(first);
        loop {
            let session = match next.take() {
                Some(session) => Ok(session),
                None => self.connect().await,
            };
            let ended = match session {
                Ok(session) => self.hold(session).await,
                Err(error) => error,
            };
            tracing::warn!(error = %ended, "the broker is not there; trying again");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    pub(super) fn queue(&self) -> QueueName {
        self.queue
    }

    /// What tells our messages from those of another database.
    pub(super) fn identity(&self) -> &str {
        self.store.identity()
    }

    /// Connects again, because a queue is missing.
    pub(super) fn renew(&self) {
        self.renewed.notify_one();
    }

    /// The channel to publish on, if the broker takes messages now.
    pub(super) fn publisher(&self) -> Option<Channel> {
        self.lock(|state| if state.blocked { None } else { state.publisher.clone() })
    }

    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn take(&self, count: usize) -> Vec<Incoming<Acker>> {
        self.lock(|state| {
            let count = count.min(state.deliveries.len());
            state.deliveries.drain(..count).collect()
        })
    }

    /// Puts deliveries back to the front, to be taken again.
    pub(super) fn put_back(&self, deliveries: Vec<Incoming<Acker>>) {
        self.lock(|state| deliveries.into_iter().rev().for_each(|delivery| state.deliveries.push_front(delivery)));
        self.arrived.notify_one();
    }

    pub(super) async fn arrived(&self) {
        if self.lock(|state| state.deliveries.is_empty()) {
            self.arrived.notified().await;
        }
    }

    async fn connect(&self) -> Result<Session, String> {
        match tokio::time::timeout(CONNECT_WAIT_MAX, self.session()).await {
            Ok(session) => session,
            Err(_) => Err(String::from("it does not answer")),
        }
    }

    async fn session(&self) -> Result<Session, String> {
        let (queue, &Settings { kind, prefetch, .. }) = (self.queue, &self.settings);
        let publishing = self.open_connection().await?;
        if !exists(&publishing, queue).await.map_err(in_words)? {
            // Whatever the broker had is gone.
            self.store.send_again(queue, i64::MAX).await.map_err(in_words)?;
        }
        let publisher = publishing.create_channel().await.map_err(in_words)?;
        publisher.confirm_select(ConfirmSelectOptions::default()).await.map_err(in_words)?;
        for queue in [queue, &dead_letters_of(queue)] {
            declare(&publisher, queue, kind).await.map_err(in_words)?;
        }
        let consuming = match prefetch {
            Some(prefetch) => {
                let connection = self.open_connection().await?;
                let consumer = consume(&connection, queue, prefetch).await.map_err(in_words)?;
                Some((connection, consumer))
            }
            None => None,
        };
        Ok(Session { publishing, publisher, consuming })
    }

    async fn open_connection(&self) -> Result<Connection, String> {
        let properties = ConnectionProperties::default().with_connection_name("refstack".into());
        Connection::connect_uri(self.uri.clone(), properties).await.map_err(in_words)
    }

    /// Serves a session until it ends, and tells why.
    async fn hold(&self, session: Session) -> String {
        let Session { publishing, publisher, consuming } = session;
        let mut events = publishing.events_listener();
        // What happened before somebody listened was told to nobody.
        if !publishing.status().connected() || !publisher.status().connected() {
            return String::from("the connection was closed");
        }
        let blocked = publishing.status().blocked();
        self.change(|state| (state.publisher, state.blocked) = (Some(publisher), blocked));
        // The connection of the consumer stays open as long as it is held.
        let (_consuming, mut consumer) = consuming.unzip();
        let ended = loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Event::ConnectionBlocked(why)) => {
                        tracing::warn!(why, "the broker takes no messages");
                        self.change(|state| state.blocked = true);
                    }
                    Some(Event::ConnectionUnblocked) => self.change(|state| state.blocked = false),
                    Some(Event::Error(error)) => break error.to_string(),
                    Some(_) => {}
                    None => break String::from("the connection was closed"),
                },
                delivery = next(&mut consumer) => match delivery {
                    Some(Ok(delivery)) => {
                        let incoming = message::incoming(delivery, self.identity());
                        self.lock(|state| state.deliveries.push_back(incoming));
                        self.arrived.notify_one();
                    }
                    Some(Err(error)) => break error.to_string(),
                    None => break String::from("the consumer was cancelled"),
                },
                () = self.renewed.notified() => break String::from("a queue is missing"),
            }
        };
        // What was not taken yet cannot be acknowledged any more, and will come again.
        self.change(|state| *state = State::default());
        ended
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        self.lock(change);
        self.changed.notify_one();
    }

    fn lock<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut self.state.lock().expect("no holder panics"))
    }
}

/// Asks on a channel of its own: the broker closes it when the answer is no.
async fn exists(connection: &Connection, queue: &str) -> lapin::Result<bool> {
    let asking = connection.create_channel().await?;
    match look_at(&asking, queue).await {
        Ok(_) => asking.close(200, "seen".into()).await.map(|()| true),
        Err(error) if is_not_found(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What the broker has of a queue that is there.
pub(super) async fn look_at(channel: &Channel, queue: &str) -> lapin::Result<Queue> {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), options, FieldTable::default()).await
}

fn is_not_found(error: &lapin::Error) -> bool {
    matches!(error.kind(), lapin::ErrorKind::ProtocolError(error) if error.get_id() == NOT_FOUND)
}

async fn declare(channel: &Channel, queue: &str, kind: QueueKind) -> lapin::Result<()> {
    let kind = match kind {
        QueueKind::Quorum => "quorum",
        QueueKind::Classic => "classic",
    };
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(LongString::from(kind)));
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), options, arguments).await.map(drop)
}

async fn consume(connection: &Connection, queue: &str, prefetch: u16) -> lapin::Result<Consumer> {
    let channel = connection.create_channel().await?;
    channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
    channel
        .basic_consume(queue.into(), ShortString::default(), BasicConsumeOptions::default(), FieldTable::default())
        .await
}

/// The next delivery; never, where nothing is consumed.
async fn next<S: Stream + Unpin>(consumer: &mut Option<S>) -> Option<S::Item> {
    match consumer {
        Some(consumer) => consumer.next().await,
        None => std::future::pending().await,
    }
}

fn in_words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
