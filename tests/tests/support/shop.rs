//! A server whose requests and replies are values of Rust.

use std::collections::BTreeMap;

use netkernel_blocking::core::term::Term;
use netkernel_blocking::core::term::serde::from_term;
use netkernel_blocking::{CallReaction, Client, Reaction};
use serde::{Deserialize, Serialize};

/// `{price,Name}`, `list`, `{later,Name}`, `bad`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    Price(String),
    List,
    Later(String),
    Bad,
}

/// `#{name => Name,price => Price}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) price: u32,
}

/// The prices of what is in it.
#[derive(Debug, Default)]
pub(crate) struct Shop(BTreeMap<String, u32>);

impl Shop {
    fn price(&self, name: &str) -> Option<Item> {
        self.0.get(name).map(|&price| Item { name: name.to_owned(), price })
    }

    /// The reaction, and the reply that is to be given by itself.
    fn asked(&self, request: &Term) -> (CallReaction, Option<Option<Item>>) {
        let reaction = match from_term(request) {
            Ok(Question::Price(name)) => CallReaction::reply_as(&self.price(&name)),
            Ok(Question::List) => CallReaction::reply_as(&self.0),
            Ok(Question::Later(name)) => return (CallReaction::NoReply, Some(self.price(&name))),
            Ok(Question::Bad) => CallReaction::reply_as(&f64::INFINITY),
            Err(error) => CallReaction::refuse(&error),
        };
        (reaction, None)
    }

    fn told(&mut self, request: &Term) -> Reaction {
        if let Ok(Item { name, price }) = from_term(request) {
            self.0.insert(name, price);
        }
        Reaction::Continue
    }
}

macro_rules! serves {
    ($runtime:ident, [$($async:tt)?], [$($wait:tt)*]) => {
        impl $runtime::GenServer for Shop {
            $($async)? fn handle_call(
                &mut self,
                own: &$runtime::Mailbox,
                request: Term,
                client: Client,
            ) -> CallReaction {
                let (reaction, later) = self.asked(&request);
                if let Some(reply) = later {
                    own.reply_as(&client, &reply)$($wait)*.unwrap();
                }
                reaction
            }

            $($async)? fn handle_cast(&mut self, _: &$runtime::Mailbox, request: Term) -> Reaction {
                self.told(&request)
            }
        }
    };
}

serves!(netkernel_blocking, [], []);
serves!(netkernel_smol, [async], [.await]);
