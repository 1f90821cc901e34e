//! Checks a job: how its end is heard of, and what it is asked for by.

use std::time::Duration;

use super::check_flow::{LastAuth, Walk};
use super::check_workload::refuse_zero;
use super::written_flow::{WrittenJob, WrittenPoll, WrittenWebhook, WrittenWebsocket};
use super::{Follow, Job, Template};
use crate::source::At;

impl Walk<'_, '_, '_> {
    pub(super) fn job(&mut self, written: &WrittenJob) -> Option<Job> {
        if self.before.requests == 0 {
            self.report.add(&written.id, "a job needs a request before it that submits the work", None);
            return None;
        }
        let id = self.text(&written.id);
        let follow = self.follow(written);
        let path = match &written.poll {
            Some(poll) => Some(self.text(&poll.path)?),
            None => None,
        };
        let done = self.state(&written.done);
        let failed = match &written.failed {
            Some(state) => Some(self.state(state)?),
            None => None,
        };
        let auth = self.submitters_auth(written);
        let (follow, timeout) = follow?;
        Some(Job { id: id?, auth: auth?, follow, timeout, path, done: done?, failed })
    }

    fn follow(&mut self, written: &WrittenJob) -> Option<(Follow, Duration)> {
        match (&written.poll, &written.webhook, &written.websocket) {
            (Some(poll), None, None) => self.polled(poll),
            (poll, Some(webhook), None) => {
                self.last_look_only(poll.as_ref(), "webhook");
                self.webhook(webhook)
            }
            (poll, None, Some(websocket)) => {
                self.last_look_only(poll.as_ref(), "websocket");
                self.websocket(&websocket.value)
            }
            (_, Some(_), Some(websocket)) => {
                let help = "keep one of `webhook` and `websocket`".to_owned();
                self.report.add(websocket, "a job's end is heard of in one way", Some(help));
                None
            }
            (None, None, None) => {
                let help = "add `poll`, `webhook` or `websocket`".to_owned();
                self.report.add(&written.id, "this job does not say how its end is heard of", Some(help));
                None
            }
        }
    }

    fn polled(&mut self, written: &WrittenPoll) -> Option<(Follow, Duration)> {
        let (Some(every), Some(timeout)) = (&written.every, &written.timeout) else {
            let help = "write { path: …, every: 250ms, timeout: 60s }".to_owned();
            self.report.add(&written.path, "a job that is polled needs `every` and `timeout`", Some(help));
            return None;
        };
        refuse_zero(every, "polling without a pause would be a load of its own", "250ms", self.report);
        if every.value > timeout.value {
            self.report.add(every, "the pause between polls is longer than the poll's timeout", None);
        }
        Some((Follow::Poll { every: every.value.0 }, timeout.value.0))
    }

    /// Beside another way of hearing, a job is asked for only once all is over.
    fn last_look_only(&mut self, poll: Option<&WrittenPoll>, beside: &str) {
        let words = poll.map(|poll| [("every", &poll.every), ("timeout", &poll.timeout)]);
        for (word, given) in words.into_iter().flatten() {
            if let Some(at) = given {
                let message =
                    format!("beside `{beside}` a job is only polled in the last look, so `{word}` has no use");
                self.report.add(at, message, Some("keep `path` alone".to_owned()));
            }
        }
    }

    fn webhook(&mut self, written: &At<WrittenWebhook>) -> Option<(Follow, Duration)> {
        if !self.before.webhook_told {
            let help = "put `{{webhook}}` into the request that submits the work".to_owned();
            let message = "no earlier request of every pass tells `{{webhook}}`, so nobody would know where to deliver";
            self.report.add(written, message, Some(help));
        }
        let id = self.pointer(&written.value.id.json)?;
        Some((Follow::Webhook { id }, written.value.timeout.value.0))
    }

    fn websocket(&mut self, written: &WrittenWebsocket) -> Option<(Follow, Duration)> {
        let path: Template = self.text(&written.path)?;
        Some((Follow::Websocket { path }, written.timeout.value.0))
    }

    /// The token source of the request that submitted the work. A job that is never asked for needs none.
    #[expect(clippy::option_option, reason = "outer: could it be told; inner: is there one")]
    fn submitters_auth(&mut self, written: &WrittenJob) -> Option<Option<String>> {
        match &self.before.last_auth {
            LastAuth::Known(auth) => Some(auth.clone()),
            LastAuth::Differs if written.poll.is_none() && written.websocket.is_none() => Some(None),
            LastAuth::Differs => {
                let help = "put the job into each branch".to_owned();
                let message =
                    "the branches before this job end with different `auth`, so it is not known which it needs";
                self.report.add(&written.id, message, Some(help));
                None
            }
        }
    }
}
